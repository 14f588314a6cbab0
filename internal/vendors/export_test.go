package vendors

// ListOn, ListPageOn, CertificationsOn and BrowseOn let a test count queries; SlugOf is tried without a database.
var (
	ListOn           = list
	BrowseOn         = listVendors
	ListPageOn       = listPage
	CertificationsOn = listCertifications
	SlugOf           = slugOf
)
