package demo

import "fairnotice/internal/subscribers"

const (
	controller = subscribers.Controller
	processor  = subscribers.Processor
	both       = subscribers.Both
)

// unreachable has nobody who receives notices: a change doesn't take effect for it until somebody
// reaches it. notComputable has terms that can't be computed yet; it uses no product that the first
// change to try, the sample's candidate, is for.
const (
	unreachable   = "C-1040"
	notComputable = "C-1039"
)

// customers are named after the words for example, sample and made up in their languages.
var customers = []customer{
	{"C-1001", "Beispielwerke AG", "beispielwerke", controller, "eea", "DE", "Europe/Berlin", "de", "desk chat", thirty, day(2021, 3, 15), nil,
		[]contact{{local: "datenschutz", name: "Dr. Petra Muster", position: "Datenschutzbeauftragte", roles: "notices objections"},
			{local: "einkauf", name: "Einkauf", roles: "notices"}, {local: "zentrale", name: "Zentrale", roles: "fallback"}}},
	{"C-1002", "Musterbank eG", "musterbank", controller, "eea", "DE", "Europe/Berlin", "de", "desk insights", consent, day(2022, 1, 10), nil, nil},
	{"C-1003", "Probekasse Versicherung a. G.", "probekasse", controller, "eea", "DE", "Europe/Berlin", "de", "desk", monthly, day(2020, 10, 1), nil, nil},
	{"C-1004", "Fiktivo Logistik GmbH", "fiktivo", controller, "eea", "AT", "Europe/Vienna", "de", "desk chat", thirty, day(2023, 5, 2), nil, nil},
	{"C-1005", "Alpenmuster Uhren SA", "alpenmuster", controller, "ch", "CH", "Europe/Zurich", "de", "desk", thirtyFourteen, day(2019, 9, 1), nil, nil},
	{"C-1006", "Société Exemple SARL", "societe-exemple", controller, "eea", "FR", "Europe/Paris", "en", "desk", thirty, day(2022, 6, 30), nil, nil},
	{"C-1007", "Ejemplo Turismo S.L.", "ejemplo-turismo", controller, "eea", "ES", "Europe/Madrid", "en", "desk chat", fourteen, day(2023, 2, 14), nil, nil},
	{"C-1008", "Esempio Caffè S.p.A.", "esempio-caffe", controller, "eea", "IT", "Europe/Rome", "en", "desk", inTurn, day(2024, 4, 1), nil, nil},
	{"C-1009", "Przykład Sp. z o.o.", "przyklad", processor, "eea", "PL", "Europe/Warsaw", "en", "desk", byKind, day(2023, 11, 6), nil, nil},
	{"C-1010", "Exempel Skog AB", "exempel-skog", controller, "eea", "SE", "Europe/Stockholm", "en", "desk insights", thirty, day(2021, 8, 20), nil, nil},
	{"C-1011", "Esimerkki Oy", "esimerkki", controller, "eea", "FI", "Europe/Helsinki", "en", "chat", thirty, day(2022, 12, 1), nil, nil},
	{"C-1012", "Voorbeeld Bloemen B.V.", "voorbeeld-bloemen", controller, "eea", "NL", "Europe/Amsterdam", "en", "desk", thirty, day(2020, 2, 3), nil,
		[]contact{{local: "privacy", name: "Former privacy desk", roles: "notices objections", suppressed: true},
			{local: "legal", name: "Legal", roles: "fallback"}}},
	{"C-1013", "Exemplo Vinhos Lda", "exemplo-vinhos", controller, "eea", "PT", "Europe/Lisbon", "en", "desk", fiveDays, day(2024, 9, 9), nil, nil},
	{"C-1014", "Sampla Teoranta", "sampla", both, "eea", "IE", "Europe/Dublin", "en", "desk chat insights", reasoned, day(2021, 11, 30), nil, nil},
	{"C-1015", "Specimen Publishing Ltd", "specimen-publishing", controller, "gb", "GB", "Europe/London", "en", "desk", reasoned, day(2023, 7, 4), nil, nil},
	{"C-1016", "Placeholder & Sons Ltd", "placeholder", controller, "gb", "GB", "Europe/London", "en", "desk", thirty, day(2022, 4, 4), nil,
		[]contact{{local: "bounce.privacy", name: "Privacy desk that is gone", roles: "notices"}, {local: "office", name: "Office", roles: "fallback objections"}}},
	{"C-1017", "Fictional Rail plc", "fictional-rail", controller, "gb", "GB", "Europe/London", "en", "insights", thirty, day(2024, 1, 22), nil, nil},
	{"C-1018", "Acme Example Corp.", "acme-example", both, "us", "US", "America/New_York", "en", "desk chat insights", thirty, day(2020, 6, 1),
		map[string]any{"served": "all"}, []contact{{local: "privacy", name: "Jordan Sample", position: "Privacy counsel", roles: "notices objections"},
			{local: "vendor-risk", name: "Vendor risk", roles: "notices"}}},
	{"C-1019", "Sample Foods Inc.", "sample-foods", controller, "us", "US", "America/Chicago", "en", "desk", fourteen, day(2023, 3, 3), nil, nil},
	{"C-1020", "Lorem Ipsum Media LLC", "lorem-ipsum", controller, "us", "US", "America/Los_Angeles", "en", "desk chat", thirty, day(2022, 8, 8), nil,
		[]contact{{local: "greylist.privacy", name: "Privacy desk behind a wary server", roles: "notices objections"}}},
	{"C-1021", "Imaginary Airlines, Inc.", "imaginary-airlines", controller, "us", "US", "America/Denver", "en", "desk", byKind, day(2021, 5, 17), nil, nil},
	{"C-1022", "Aloha Example Surf Co.", "aloha-example", controller, "us", "US", "Pacific/Honolulu", "en", "desk", thirty, day(2024, 2, 29), nil, nil},
	{"C-1023", "Maple Sample Ltd.", "maple-sample", controller, "ca", "CA", "America/Toronto", "en", "desk chat", thirtyFourteen, day(2022, 10, 12), nil, nil},
	{"C-1024", "Newfoundland Specimen Fisheries", "specimen-fisheries", controller, "ca", "CA", "America/St_Johns", "en", "desk", inTurn, day(2023, 6, 6), nil, nil},
	{"C-1025", "Exemplo Café Ltda", "exemplo-cafe", controller, "latam", "BR", "America/Sao_Paulo", "en", "desk", thirty, day(2023, 9, 7), nil, nil},
	{"C-1026", "Ejemplo Minero S.A.", "ejemplo-minero", controller, "latam", "CL", "America/Santiago", "en", "desk insights", monthly, day(2024, 5, 5), nil, nil},
	{"C-1027", "Ficticio Seguros S.A.", "ficticio-seguros", controller, "latam", "MX", "America/Mexico_City", "en", "chat", fourteen, day(2022, 3, 21), nil, nil},
	{"C-1028", "Mihon Electronics K.K.", "mihon", processor, "apac", "JP", "Asia/Tokyo", "en", "desk", consent, day(2021, 4, 1), nil, nil},
	{"C-1029", "Udaharan Textiles Pvt. Ltd.", "udaharan", controller, "apac", "IN", "Asia/Kolkata", "en", "desk chat", thirty, day(2023, 8, 15), nil, nil},
	{"C-1030", "Namuna Tea Pvt. Ltd.", "namuna-tea", controller, "apac", "NP", "Asia/Kathmandu", "en", "desk", fiveDays, day(2024, 7, 16), nil, nil},
	{"C-1031", "Contoh Shipping Pte. Ltd.", "contoh-shipping", both, "apac", "SG", "Asia/Singapore", "en", "desk insights", reasoned, day(2022, 5, 25), nil, nil},
	{"C-1032", "Dummy Data Pty Ltd", "dummy-data", processor, "apac", "AU", "Australia/Sydney", "en", "desk", thirty, day(2023, 1, 26), nil, nil},
	{"C-1033", "Tauira Wool Ltd", "tauira-wool", controller, "apac", "NZ", "Pacific/Auckland", "en", "chat insights", fourteen, day(2021, 2, 6), nil, nil},
	{"C-1034", "Chatham Sample Crayfish Ltd", "chatham-sample", controller, "apac", "NZ", "Pacific/Chatham", "en", "desk", thirty, day(2024, 3, 3), nil, nil},
	{"C-1035", "Kiritimati Example Coconuts Ltd", "kiritimati-example", controller, "apac", "KI", "Pacific/Kiritimati", "en", "desk", thirtyFourteen, day(2023, 12, 31), nil, nil},
	{"C-1036", "Mithal Trading FZE", "mithal-trading", controller, "mea", "AE", "Asia/Dubai", "en", "desk chat", thirty, day(2022, 11, 11), nil, nil},
	{"C-1037", "Voorbeeld Mining (Pty) Ltd", "voorbeeld-mining", controller, "mea", "ZA", "Africa/Johannesburg", "en", "desk", byKind, day(2021, 9, 24), nil, nil},
	{"C-1038", "Mfano Coffee Ltd", "mfano-coffee", controller, "mea", "KE", "Africa/Nairobi", "en", "desk", monthly, day(2024, 6, 1), nil, nil},
	{notComputable, "Werktage Beispiel KG", "werktage", controller, "eea", "DE", "Europe/Berlin", "de", "insights", businessDays, day(2023, 4, 11), nil, nil},
	{unreachable, "Postfach Muster e. K.", "postfach-muster", controller, "eea", "DE", "Europe/Berlin", "de", "desk", thirty, day(2020, 12, 12), nil,
		[]contact{{local: "inhaber", name: "Ingo Muster", position: "Inhaber", roles: "objections"}}},
}
