package locale

import (
	"strings"
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
)

// CountryName is a country's ISO 3166-1 alpha-2 code with its name in one language.
type CountryName struct {
	Code string
	Name string
}

// renamed are countries that took another name after the CLDR edition inside golang.org/x/text.
var renamed = map[string]map[Lang]string{
	"MK": {EN: "North Macedonia", DE: "Nordmazedonien"},
	"SZ": {EN: "Eswatini", DE: "Eswatini"},
	"TR": {EN: "Türkiye", DE: "Türkei"},
}

// reserved are codes that CLDR names, but that ISO 3166-1 only reserves: parts of other countries,
// and groups of them. (XK, Kosovo, is no ISO code either, but the one that the EU uses.)
var reserved = map[string]bool{
	"AC": true, "CP": true, "DG": true, "EA": true, "EZ": true, "IC": true, "TA": true, "UN": true,
}

// regions hold both dictionaries; display.Regions would link every language of the world.
var regions = map[Lang]display.Namer{
	EN: display.English.Regions(),
	DE: display.German.Regions(),
}

// Country is the name of the country with this ISO 3166-1 alpha-2 code ("DE" → "Germany",
// "Deutschland"), or the code as given when there is no such country.
func Country(l Lang, code string) string {
	code = strings.ToUpper(strings.TrimSpace(code))
	if name := countryName(l, code); name != "" {
		return name
	}
	return code
}

// IsCountry says whether the code is an ISO 3166-1 alpha-2 country of today, or XK.
func IsCountry(code string) bool {
	return len(code) == 2 && countryName(Default, strings.ToUpper(code)) != ""
}

func countryName(l Lang, code string) string {
	region, err := language.ParseRegion(code)
	// Canonical regions only: "UK" is an alias of GB and "DD" is no more.
	if err != nil || len(code) != 2 || !region.IsCountry() || region.String() != code || region.Canonicalize() != region {
		return ""
	}
	if reserved[code] {
		return ""
	}
	if name, ok := renamed[code][l]; ok {
		return name
	}
	namer, ok := regions[l]
	if !ok {
		namer = regions[Default]
	}
	return namer.Name(region)
}

var countryLists = sync.OnceValue(func() map[Lang][]CountryName {
	lists := make(map[Lang][]CountryName, len(All))
	for _, l := range All {
		lists[l] = listCountries(l)
	}
	return lists
})

// Countries lists every country in the order of the language's own alphabet: "Ägypten" comes
// before "Albanien".
func Countries(l Lang) []CountryName {
	list, ok := countryLists()[l]
	if !ok {
		list = countryLists()[Default]
	}
	return append([]CountryName(nil), list...)
}

func listCountries(l Lang) []CountryName {
	var list []CountryName
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			code := string([]rune{a, b})
			if name := countryName(l, code); name != "" {
				list = append(list, CountryName{code, name})
			}
		}
	}
	collate.New(l.Tag()).Sort(byName(list))
	return list
}

// byName lets collate sort countries by their names.
type byName []CountryName

func (s byName) Len() int           { return len(s) }
func (s byName) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s byName) Bytes(i int) []byte { return []byte(s[i].Name) }
