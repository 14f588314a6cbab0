package changes

import "testing"

// WithDerivePage makes a page of DeriveWindows so many windows for the length of a test.
func WithDerivePage(t *testing.T, n int) {
	before := derivePage
	derivePage = n
	t.Cleanup(func() { derivePage = before })
}
