package vendors

// ListOn and BrowseOn let a test count queries; SlugOf is tried without a database.
var (
	ListOn   = list
	BrowseOn = listVendors
	SlugOf   = slugOf
)
