package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"fairnotice/internal/secrets"
)

// KeyRing is the keys of ENCRYPTION_KEYS. With the embedded database and none set, a key is made
// once and kept in DATA_DIR/keys, readable by this user only: whoever copies the folder has both.
func (c *Config) KeyRing() (*secrets.KeyRing, error) {
	if c.EncryptionKeys.IsSet() {
		return secrets.ParseKeyRing(c.EncryptionKeys.Reveal())
	}
	if !c.Embedded() {
		return nil, errors.New("ENCRYPTION_KEYS: it must be set when DATABASE_URL is")
	}
	path := filepath.Join(c.DataDir, "keys")
	ring, err := readKeys(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKeys(path); err != nil {
			return nil, fmt.Errorf("make the keys (choose a DATA_DIR that you may write to): %w", err)
		}
		return readKeys(path)
	}
	return ring, err
}

func readKeys(path string) (*secrets.KeyRing, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("the keys in %s can be read by other users of this machine: run chmod 600 %s", path, path)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	ring, err := secrets.ParseKeyRing(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("the file %s is damaged (bring it back from a backup; without it, links already sent stop working): %w", path, err)
	}
	return ring, nil
}

// makeKeys writes the file beside its place and links it there, which fails when another process
// was first: then that one's key is the key.
func makeKeys(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), "keys.new-*") // 0600 by itself
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(secrets.NewKey("k1") + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
