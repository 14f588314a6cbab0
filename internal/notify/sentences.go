package notify

import "fairnotice/internal/locale"

// sentences are what webhooks and Slack messages say in one language; email has whole templates.
type sentences struct {
	summary     map[string]string // of vendor, replaced vendor and planned day, by notice kind and change kind
	counted     string            // what the deadline is counted from
	follow      string            // what can follow an objection
	nothingToDo string            // of a withdrawal
	followers   string            // why a follower gets no dates
	demo        string
	labels      map[string]string
}

func sentencesOf(l locale.Lang) *sentences {
	if l == locale.DE {
		return &germanSentences
	}
	return &englishSentences
}

var englishSentences = sentences{
	summary: map[string]string{
		"announcement.addition":    "We intend to engage %[1]s as a sub-processor, planned for %[3]s.",
		"announcement.replacement": "We intend to engage %[1]s as a sub-processor in the place of %[2]s, planned for %[3]s.",
		"announcement.removal":     "We intend to stop using %[1]s as a sub-processor, planned for %[3]s.",
		"withdrawal.addition":      "We told you that we would engage %[1]s as a sub-processor. We withdraw that notice: the change will not happen.",
		"withdrawal.replacement":   "We told you that we would engage %[1]s as a sub-processor in the place of %[2]s. We withdraw that notice: the change will not happen.",
		"withdrawal.removal":       "We told you that we would stop using %[1]s as a sub-processor. We withdraw that notice: %[1]s stays.",
	},
	counted:     "The deadline is counted from the day on which this notice is served. Should it reach you later than planned, you have correspondingly longer.",
	follow:      "What can follow: we look for a measure that meets your concern; where it is technically possible, you are excluded from this sub-processor; else the contract gives you the right to end the affected service. Which of these apply is in your terms.",
	nothingToDo: "You need not do anything. An objection to this change is settled by its withdrawal. Should we plan it again, you will get a new notice with the full time that your terms give.",
	followers:   "The dates that hold for a customer follow from its contract and are in the notice to that customer.",
	demo:        "Demonstration: the publisher, its customers and this notice are made up.",
	labels: map[string]string{"to": "To", "customer": "Customer", "clause": "Clause", "authorisation": "Authorisation", "effective": "Effective for you",
		"why": "Why", "safeguards": "Safeguards", "kind": "Kind of change", "countries": "Countries", "read": "Read the whole notice",
		"list": "List of sub-processors", "reference": "Reference", "text": "Notice text", "stop": "Stop these messages", "replaces": "Replaces"},
}

var germanSentences = sentences{
	summary: map[string]string{
		"announcement.addition":    "Wir beabsichtigen, %[1]s als Unterauftragsverarbeiter hinzuzuziehen, geplant zum %[3]s.",
		"announcement.replacement": "Wir beabsichtigen, %[1]s anstelle von %[2]s als Unterauftragsverarbeiter einzusetzen, geplant zum %[3]s.",
		"announcement.removal":     "Wir beabsichtigen, %[1]s nicht länger als Unterauftragsverarbeiter einzusetzen, geplant zum %[3]s.",
		"withdrawal.addition":      "Wir hatten angekündigt, %[1]s als Unterauftragsverarbeiter einzusetzen. Diese Ankündigung ziehen wir zurück: Die Änderung findet nicht statt.",
		"withdrawal.replacement":   "Wir hatten angekündigt, %[1]s anstelle von %[2]s als Unterauftragsverarbeiter einzusetzen. Diese Ankündigung ziehen wir zurück: Die Änderung findet nicht statt.",
		"withdrawal.removal":       "Wir hatten angekündigt, %[1]s nicht länger als Unterauftragsverarbeiter einzusetzen. Diese Ankündigung ziehen wir zurück: %[1]s bleibt.",
	},
	counted:     "Die Frist rechnet ab dem Tag, an dem Ihnen diese Mitteilung zugeht. Sollte sie Sie später als geplant erreichen, haben Sie entsprechend länger Zeit.",
	follow:      "Was folgen kann: Wir suchen eine Maßnahme, die Ihren Bedenken Rechnung trägt; wo es technisch möglich ist, werden Sie von diesem Unterauftragsverarbeiter ausgenommen; sonst gibt Ihnen der Vertrag das Recht, den betroffenen Dienst zu beenden. Was davon gilt, steht in Ihren Vertragsbedingungen.",
	nothingToDo: "Sie müssen nichts tun. Ein Einspruch gegen diese Änderung hat sich mit der Rücknahme erledigt. Sollten wir sie erneut planen, erhalten Sie eine neue Mitteilung mit der vollen Frist nach Ihren Vertragsbedingungen.",
	followers:   "Welche Termine für einen Kunden gelten, ergibt sich aus dessen Vertrag und steht in der Mitteilung an ihn.",
	demo:        "Vorführung: Das Unternehmen, seine Kunden und diese Mitteilung sind erfunden.",
	labels: map[string]string{"to": "An", "customer": "Kunde", "clause": "Klausel", "authorisation": "Genehmigung", "effective": "Wirksam für Sie",
		"why": "Warum", "safeguards": "Schutzmaßnahmen", "kind": "Art der Änderung", "countries": "Länder", "read": "Die ganze Mitteilung lesen",
		"list": "Liste der Unterauftragsverarbeiter", "reference": "Aktenzeichen", "text": "Mitteilungstext", "stop": "Diese Nachrichten abbestellen", "replaces": "Ersetzt"},
}
