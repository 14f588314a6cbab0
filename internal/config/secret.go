package config

import (
	"fmt"
	"io"
	"log/slog"
)

// Secret is a setting that must not be read by whoever reads logs, messages or dumps. Only Reveal
// gives it away.
type Secret struct{ value string }

// NewSecret wraps a value; Load does this for settings.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal is the value itself, for the one place that uses it.
func (s Secret) Reveal() string { return s.value }

// IsSet says whether there is a value.
func (s Secret) IsSet() bool { return s.value != "" }

// String says whether there is a value, and nothing of it.
func (s Secret) String() string {
	if s.IsSet() {
		return "[secret]"
	}
	return "[not set]"
}

// Format covers every verb, %v and %#v and %x included.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// GoString is for %#v by ways that pass Format by.
func (s Secret) GoString() string { return s.String() }

// LogValue is for slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is for JSON and every other encoding that asks for text.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText takes the value from the environment.
func (s *Secret) UnmarshalText(text []byte) error {
	s.value = string(text)
	return nil
}
