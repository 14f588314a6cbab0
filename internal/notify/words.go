package notify

import "fairnotice/internal/locale"

// words are what notices say of the register's values in one language. The sentences around them
// are in the templates.
type words struct {
	kinds              map[string]string
	title              map[string]string // subject and heading, by notice kind and change kind
	authorisation      map[string]string
	silence            map[string]string
	answer             map[string]string
	howTitle           map[string]string
	how                map[string]string // of the address and the reference
	objectUntil        string
	noObjection        string
	noObjectionSilence string
	effectiveFrom      string
	stored, accessed   string
	regimes            map[string]string
	mechanisms         map[string]string
	special            map[string]string
	regions            map[string]string
	assessed           string
	all                string
	none               string
	follower           string // who a preview for followers is addressed to
	yes, no            string
	labels             map[string]string
}

func wordsOf(l locale.Lang) *words {
	if l == locale.DE {
		return &german
	}
	return &english
}

var english = words{
	kinds: map[string]string{"addition": "Addition of a sub-processor", "replacement": "Replacement of a sub-processor", "removal": "Removal of a sub-processor"},
	title: map[string]string{
		"announcement.addition":    "Advance notice %s: %s to become a sub-processor",
		"announcement.replacement": "Advance notice %s: %s to replace a sub-processor",
		"announcement.removal":     "Advance notice %s: %s to be removed as a sub-processor",
		"withdrawal.addition":      "Withdrawn %s: %s will not become a sub-processor",
		"withdrawal.replacement":   "Withdrawn %s: %s will not replace a sub-processor",
		"withdrawal.removal":       "Withdrawn %s: %s stays a sub-processor",
	},
	authorisation: map[string]string{
		"general":  "General written authorisation: you may object to this change.",
		"specific": "Specific authorisation: this change needs your explicit consent.",
	},
	silence: map[string]string{
		"general":  "If we do not hear from you by then, your terms treat the change as accepted.",
		"specific": "If we do not hear from you, the change does not take effect for you: silence is not consent.",
	},
	answer:   map[string]string{"general": "You may object", "specific": "Please answer"},
	howTitle: map[string]string{"general": "How to object or ask", "specific": "How to consent, refuse or ask"},
	how: map[string]string{
		"general":  "Write to %s, name the reference %s, and say what you object to and, where your terms ask for grounds, why. A question is welcome too. Please object before the deadline above.",
		"specific": "Write to %s, name the reference %s, and say whether you consent or refuse. A question is welcome too. Please answer before the deadline above.",
	},
	objectUntil:        "until the end of %s (%s)",
	noObjection:        "your terms give no objection period for this kind of change",
	noObjectionSilence: "Nothing is asked of you.",
	effectiveFrom:      "%s, 00:00 (%s), at the earliest",
	stored:             "%s (stored there)",
	accessed:           "%s (accessed from there)",
	regimes:            map[string]string{"eea": "from the EU/EEA", "gb": "from the United Kingdom", "ch": "from Switzerland"},
	mechanisms: map[string]string{
		"none_needed": "no mechanism needed", "adequacy": "adequacy decision", "dpf": "EU-US Data Privacy Framework",
		"dpf_uk": "UK Extension to the EU-US Data Privacy Framework", "dpf_swiss": "Swiss-US Data Privacy Framework",
		"scc_2": "standard contractual clauses (EU) 2021/914, module 2", "scc_3": "standard contractual clauses (EU) 2021/914, module 3",
		"uk_idta": "International Data Transfer Agreement (UK)", "uk_addendum": "UK Addendum to the standard contractual clauses", "bcr": "binding corporate rules",
	},
	special: map[string]string{
		"racial_or_ethnic_origin": "racial or ethnic origin", "political_opinions": "political opinions", "beliefs": "religious or philosophical beliefs",
		"trade_union_membership": "trade union membership", "genetic_data": "genetic data", "biometric_data": "biometric data", "health": "health data",
		"sex_life": "sex life or sexual orientation", "criminal_offences": "criminal convictions and offences",
	},
	regions:  map[string]string{"eea": "EU/EEA", "gb": "United Kingdom", "ch": "Switzerland", "us": "United States", "ca": "Canada", "latam": "Latin America", "apac": "Asia-Pacific", "mea": "Middle East and Africa"},
	assessed: "transfer impact assessment of %s",
	all:      "all",
	none:     "none",
	follower: "a follower of the list",
	yes:      "yes", no: "no",
	labels: map[string]string{
		"vendor": "Sub-processor", "legal_name": "Legal name", "registration": "Registration number", "address": "Registered address", "website": "Website",
		"contact": "Privacy contact", "parent": "Corporate parent", "purpose": "Purpose", "nature": "Nature of the processing", "products": "Products affected",
		"regions": "Customers in", "data": "Categories of data", "special": "Special categories of data", "subjects": "Data subjects",
		"locations": "Location of processing", "transfers": "Transfer mechanism", "hosted": "Hosted by", "optional": "You can do without it",
		"excludable": "You can be excluded from it technically", "measures": "Technical and organisational measures", "retention": "Retention and deletion",
		"delimitation": "Division of responsibilities", "dpa": "Contract under Art. 28(4) GDPR signed", "chain": "Its own sub-processors",
	},
}

var german = words{
	kinds: map[string]string{"addition": "Hinzuziehung eines Unterauftragsverarbeiters", "replacement": "Ersetzung eines Unterauftragsverarbeiters", "removal": "Wegfall eines Unterauftragsverarbeiters"},
	title: map[string]string{
		"announcement.addition":    "Vorabinformation %s: %s soll Unterauftragsverarbeiter werden",
		"announcement.replacement": "Vorabinformation %s: %s soll einen Unterauftragsverarbeiter ersetzen",
		"announcement.removal":     "Vorabinformation %s: %s soll als Unterauftragsverarbeiter wegfallen",
		"withdrawal.addition":      "Zurückgezogen %s: %s wird nicht Unterauftragsverarbeiter",
		"withdrawal.replacement":   "Zurückgezogen %s: %s ersetzt keinen Unterauftragsverarbeiter",
		"withdrawal.removal":       "Zurückgezogen %s: %s bleibt Unterauftragsverarbeiter",
	},
	authorisation: map[string]string{
		"general":  "Allgemeine schriftliche Genehmigung: Sie können gegen diese Änderung Einspruch erheben.",
		"specific": "Gesonderte Genehmigung: Diese Änderung braucht Ihre ausdrückliche Zustimmung.",
	},
	silence: map[string]string{
		"general":  "Hören wir bis dahin nichts von Ihnen, gilt die Änderung nach Ihren Vertragsbedingungen als angenommen.",
		"specific": "Hören wir nichts von Ihnen, wird die Änderung für Sie nicht wirksam: Schweigen ist keine Zustimmung.",
	},
	answer:   map[string]string{"general": "Einspruch möglich", "specific": "Bitte antworten"},
	howTitle: map[string]string{"general": "Einspruch und Fragen", "specific": "Zustimmung, Ablehnung und Fragen"},
	how: map[string]string{
		"general":  "Schreiben Sie an %s, nennen Sie das Aktenzeichen %s und wogegen sich Ihr Einspruch richtet; wo Ihre Vertragsbedingungen Gründe verlangen, auch diese. Auch Fragen sind willkommen. Bitte erheben Sie Einspruch vor Ablauf der Frist.",
		"specific": "Schreiben Sie an %s, nennen Sie das Aktenzeichen %s und ob Sie zustimmen oder ablehnen. Auch Fragen sind willkommen. Bitte antworten Sie vor Ablauf der Frist.",
	},
	objectUntil:        "bis zum Ablauf des %s (%s)",
	noObjection:        "Ihre Vertragsbedingungen sehen für diese Art von Änderung keine Einspruchsfrist vor",
	noObjectionSilence: "Sie müssen nichts tun.",
	effectiveFrom:      "frühestens am %s, 00:00 Uhr (%s)",
	stored:             "%s (dort gespeichert)",
	accessed:           "%s (Zugriff von dort)",
	regimes:            map[string]string{"eea": "aus EU/EWR", "gb": "aus dem Vereinigten Königreich", "ch": "aus der Schweiz"},
	mechanisms: map[string]string{
		"none_needed": "keine Grundlage erforderlich", "adequacy": "Angemessenheitsbeschluss", "dpf": "EU-US-Datenschutzrahmen",
		"dpf_uk": "britische Erweiterung des EU-US-Datenschutzrahmens", "dpf_swiss": "Datenschutzrahmen Schweiz-USA",
		"scc_2": "Standardvertragsklauseln (EU) 2021/914, Modul 2", "scc_3": "Standardvertragsklauseln (EU) 2021/914, Modul 3",
		"uk_idta": "International Data Transfer Agreement (Vereinigtes Königreich)", "uk_addendum": "britischer Zusatz zu den Standardvertragsklauseln", "bcr": "verbindliche interne Datenschutzvorschriften",
	},
	special: map[string]string{
		"racial_or_ethnic_origin": "rassische oder ethnische Herkunft", "political_opinions": "politische Meinungen", "beliefs": "religiöse oder weltanschauliche Überzeugungen",
		"trade_union_membership": "Gewerkschaftszugehörigkeit", "genetic_data": "genetische Daten", "biometric_data": "biometrische Daten", "health": "Gesundheitsdaten",
		"sex_life": "Sexualleben oder sexuelle Orientierung", "criminal_offences": "strafrechtliche Verurteilungen und Straftaten",
	},
	regions:  map[string]string{"eea": "EU/EWR", "gb": "Vereinigtes Königreich", "ch": "Schweiz", "us": "Vereinigte Staaten", "ca": "Kanada", "latam": "Lateinamerika", "apac": "Asien-Pazifik", "mea": "Naher Osten und Afrika"},
	assessed: "Transfer-Folgenabschätzung vom %s",
	all:      "alle",
	none:     "keine",
	follower: "wer der Liste folgt",
	yes:      "ja", no: "nein",
	labels: map[string]string{
		"vendor": "Unterauftragsverarbeiter", "legal_name": "Firma", "registration": "Registernummer", "address": "Eingetragene Anschrift", "website": "Website",
		"contact": "Ansprechstelle für Datenschutz", "parent": "Muttergesellschaft", "purpose": "Zweck", "nature": "Art der Verarbeitung", "products": "Betroffene Produkte",
		"regions": "Kunden in", "data": "Kategorien von Daten", "special": "Besondere Kategorien von Daten", "subjects": "Betroffene Personen",
		"locations": "Ort der Verarbeitung", "transfers": "Grundlage der Übermittlung", "hosted": "Gehostet von", "optional": "Sie können darauf verzichten",
		"excludable": "Sie können technisch davon ausgenommen werden", "measures": "Technische und organisatorische Maßnahmen", "retention": "Aufbewahrung und Löschung",
		"delimitation": "Abgrenzung der Verantwortung", "dpa": "Vertrag nach Art. 28 Abs. 4 DSGVO geschlossen", "chain": "Deren eigene Unterauftragsverarbeiter",
	},
}
