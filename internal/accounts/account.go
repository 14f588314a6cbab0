// Package accounts holds the publisher's staff: who may sign in, with which role, and the sessions
// of those who have.
package accounts

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"fairnotice/internal/actor"
	"fairnotice/internal/fault"
	"fairnotice/internal/input"
	"fairnotice/internal/ledger"
)

// Account is a person of the staff.
type Account struct {
	ID           uuid.UUID  `json:"-"`
	Email        string     `json:"email"`
	Name         string     `json:"name"`
	Role         actor.Role `json:"role"`
	PasswordHash string     `json:"-"`
	Language     string     `json:"language"`
	FailedCount  int        `json:"-"` // wrong passwords since the last sign-in
	FailedAt     *time.Time `json:"-"` // the last of them
	DisabledAt   *time.Time `json:"disabled_at"`
	Version      int        `json:"-"`
	CreatedAt    time.Time  `json:"-"`
	UpdatedAt    time.Time  `json:"-"`
}

// TableName tells gorm the table.
func (Account) TableName() string { return "accounts" }

// Enabled says whether the account may sign in.
func (a *Account) Enabled() bool { return a.DisabledAt == nil }

// Actor is the account as the one who acts.
func (a *Account) Actor() actor.Actor {
	return actor.Actor{Kind: actor.Staff, ID: a.ID, Role: a.Role, Name: a.Name}
}

// Validate tidies the account and returns every fault in it.
func (a *Account) Validate() error {
	var c fault.Check
	a.check(&c)
	return c.Err()
}

func (a *Account) check(c *fault.Check) {
	input.Email(c, "email", &a.Email)
	input.Name(c, "name", &a.Name)
	input.Choice(c, "role", a.Role, actor.Roles...)
	if a.Language == "" {
		a.Language = "en"
	}
	input.Language(c, "language", &a.Language)
}

// Limits of a password's length, in characters. The lower one follows NIST SP 800-63B-4 in asking
// for length and not for kinds of character; the upper one bounds the work of hashing.
const (
	MinPassword = 12
	MaxPassword = 128
)

// normal is a password's one form: what looks the same is the same, whichever keyboard it was
// typed on (RFC 8265, section 4.2).
func normal(password string) string { return norm.NFC.String(password) }

// checkPassword notes what is wrong with a new password for this account.
func checkPassword(c *fault.Check, password string, a *Account) {
	n := utf8.RuneCountInString(password)
	switch {
	case password == "":
		c.Add("password", "required", nil)
	case !utf8.ValidString(password):
		c.Add("password", "utf8", nil)
	case strings.ContainsFunc(password, unicode.IsControl):
		c.Add("password", "control_characters", nil)
	case n < MinPassword:
		c.Add("password", "password.short", fault.Args{"Min": MinPassword})
	case n > MaxPassword:
		c.Add("password", "too_long", fault.Args{"Max": MaxPassword})
	case aboutSelf(password, a):
		c.Add("password", "password.own_name", nil)
	case strings.Count(password, firstRune(password)) == n:
		c.Add("password", "password.one_character", nil)
	}
}

func firstRune(s string) string {
	_, size := utf8.DecodeRuneInString(s)
	return s[:size]
}

// aboutSelf says whether the password is nothing but the account's own name or address, which are
// the first guesses.
func aboutSelf(password string, a *Account) bool {
	local, domain, _ := strings.Cut(a.Email, "@")
	guesses := []string{a.Email, local, domain, a.Name, local + local, a.Name + a.Name}
	return slices.ContainsFunc(guesses, func(guess string) bool {
		return bare(guess) != "" && bare(guess) == bare(password)
	})
}

// bare leaves letters and digits, in lower case.
func bare(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, normal(s))
}

func subject(id uuid.UUID) ledger.Subject { return ledger.SubjectOf("account", id) }
