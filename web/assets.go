package web

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// asset is one static file. Its address holds the digest of its bytes, so it may be kept forever.
type asset struct {
	name  string
	hash  string
	kind  string
	bytes []byte
}

// URL is the address with the digest: /static/app.1f3a5c7e.css.
func (f *asset) URL() string {
	ext := path.Ext(f.name)
	return "/static/" + strings.TrimSuffix(f.name, ext) + "." + f.hash + ext
}

type assets struct{ files map[string]*asset }

func newAssets(files fs.FS) (*assets, error) {
	entries, err := fs.ReadDir(files, "static")
	if err != nil {
		return nil, err
	}
	s := &assets{files: map[string]*asset{}}
	for _, e := range entries {
		body, err := fs.ReadFile(files, "static/"+e.Name())
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		s.files[e.Name()] = &asset{e.Name(), hex.EncodeToString(sum[:6]), kindOf(e.Name()), body}
	}
	return s, nil
}

// kindOf doesn't ask the machine's own table for what we serve.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".css":
		return "text/css; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(path.Ext(name))
	}
}

func (s *assets) url(name string) (string, error) {
	f, ok := s.files[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return f.URL(), nil
}

// find reads "app.1f3a5c7e.css". A digest of another release finds today's file, but not for
// keeping: while servers are being replaced, a page of one may ask another.
func (s *assets) find(address string) (f *asset, exact bool) {
	if f, ok := s.files[address]; ok {
		return f, false
	}
	ext := path.Ext(address)
	stem := strings.TrimSuffix(address, ext)
	hash := strings.TrimPrefix(path.Ext(stem), ".")
	f = s.files[strings.TrimSuffix(stem, "."+hash)+ext]
	return f, f != nil && f.hash == hash
}

func (k *Kit) serveAsset(c *gin.Context) {
	f, exact := k.assets.find(strings.TrimPrefix(c.Param("path"), "/"))
	if f == nil {
		k.notFound(c)
		return
	}
	if exact {
		c.Header("Cache-Control", "public, max-age=31536000, immutable")
		c.Data(http.StatusOK, f.kind, f.bytes)
		return
	}
	_ = sendCachedAsset(c, f)
}

func sendCachedAsset(c *gin.Context, f *asset) error {
	return SendCached(c, f.kind, f.bytes, time.Time{})
}

func (k *Kit) serveFavicon(c *gin.Context) { _ = sendCachedAsset(c, k.assets.files["favicon.svg"]) }

// serveRobots names only prefixes: what is private there is guarded by signing in, not by this.
func (k *Kit) serveRobots(c *gin.Context) {
	var b strings.Builder
	b.WriteString("User-agent: *\n")
	for _, a := range k.audiences {
		if a.private() && a.spec.Prefix != "/" {
			fmt.Fprintf(&b, "Disallow: %s\n", a.spec.Prefix)
		}
	}
	b.WriteString("Disallow: /api/\n")
	_ = SendCached(c, "text/plain; charset=utf-8", []byte(b.String()), time.Time{})
}
