package apiv1

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
)

// AccountFacts are what is kept of a person of the staff.
type AccountFacts struct {
	Email    string     `json:"email" maxLength:"254" doc:"To sign in with."`
	Name     string     `json:"name" maxLength:"200"`
	Role     actor.Role `json:"role" enum:"admin,approver,editor,reviewer"`
	Language string     `json:"language,omitempty" enum:"en,de" doc:"Of the console; absent: en."`
}

// Example is an editor.
func (AccountFacts) Example() any {
	return AccountFacts{Email: "ada@nordlicht.example", Name: "Ada Lovelace", Role: actor.Editor, Language: "en"}
}

// Account is a person of the staff.
type Account struct {
	ID uuid.UUID `json:"id"`
	AccountFacts
	DisabledAt *time.Time `json:"disabled_at,omitempty" doc:"Since when the person can't sign in and their keys open nothing; absent: they can."`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

// Example is an editor's account.
func (Account) Example() any {
	return Account{ID: exampleID(1), AccountFacts: AccountFacts{}.Example().(AccountFacts), CreatedAt: exampleTime, UpdatedAt: exampleTime}
}

// NewAccount is an account with its first password.
type NewAccount struct {
	AccountFacts
	Password string `json:"password" format:"password" maxLength:"1000" doc:"The first one: 12 to 128 characters. The person should change it."`
}

// Example is an editor who joins.
func (NewAccount) Example() any {
	return NewAccount{AccountFacts{}.Example().(AccountFacts), "three quiet herons wade"}
}

// PasswordInput is a new password.
type PasswordInput struct {
	Password string `json:"password" format:"password" maxLength:"1000" doc:"12 to 128 characters."`
}

// Example is a password.
func (PasswordInput) Example() any { return PasswordInput{"three quiet herons wade"} }

// LanguageInput is the language that a person wants the console in.
type LanguageInput struct {
	Language string `json:"language" enum:"en,de"`
}

// Example is English.
func (LanguageInput) Example() any { return LanguageInput{"en"} }

const noAdmins = "Administrators are made, changed and disabled by people only, in the console: a key can't (403), so that whatever a stolen one did can be undone."

func (s *Site) staffOperations() {
	handle(s, op{id: "listAccounts", method: http.MethodGet, path: "/accounts", tag: tagStaff, act: actor.EditStaff,
		summary: "Everybody of the staff", text: "By name; disabled accounts too."}, s.listAccounts)
	handle(s, op{id: "createAccount", method: http.MethodPost, path: "/accounts", tag: tagStaff, act: actor.EditStaff,
		summary: "Add a person", text: noAdmins}, s.createAccount)
	handle(s, op{id: "getAccount", method: http.MethodGet, path: "/accounts/{id}", tag: tagStaff, act: actor.ReadConsole,
		summary: "One account", text: "Who is no administrator reads their own only."}, s.getAccount)
	handle(s, op{id: "editAccount", method: http.MethodPut, path: "/accounts/{id}", tag: tagStaff, act: actor.EditStaff,
		summary: "Change a person's address, name, role and language", text: noAdmins}, s.editAccount)
	handle(s, op{id: "disableAccount", method: http.MethodPost, path: "/accounts/{id}/disable", tag: tagStaff, act: actor.EditStaff,
		summary: "Keep a person out", text: "Their sessions end and their keys open nothing. " + noAdmins, status: http.StatusOK}, s.disableAccount)
	handle(s, op{id: "enableAccount", method: http.MethodPost, path: "/accounts/{id}/enable", tag: tagStaff, act: actor.EditStaff,
		summary: "Let a person in again", text: "With the password and the keys that they had. " + noAdmins, status: http.StatusOK}, s.enableAccount)
	handle(s, op{id: "setPassword", method: http.MethodPut, path: "/accounts/{id}/password", tag: tagStaff, act: actor.EditStaff,
		summary: "Give somebody a new password", text: "Ends all of their sessions; their keys go on. Not one's own, nor an administrator's (403): that takes a person, in the console."}, s.setPassword)
	handle(s, op{id: "setMyLanguage", method: http.MethodPut, path: "/me/language", tag: tagMeta, act: actor.ReadConsole,
		summary: "Choose the language of one's own console"}, s.setMyLanguage)
	s.keyOperations()
}

func accountOf(a *accounts.Account) Account {
	return Account{ID: a.ID, AccountFacts: AccountFacts{Email: a.Email, Name: a.Name, Role: a.Role, Language: a.Language},
		DisabledAt: a.DisabledAt, CreatedAt: a.CreatedAt, UpdatedAt: a.UpdatedAt}
}

func (f *AccountFacts) account() *accounts.Account {
	return &accounts.Account{Email: f.Email, Name: f.Name, Role: f.Role, Language: f.Language}
}

func (s *Site) listAccounts(ctx context.Context, who actor.Actor, _ *struct{}) (*List[Account], error) {
	list, err := s.Accounts.List(ctx, who)
	if err != nil {
		return nil, err
	}
	return all(mapped(list, accountOf)), nil
}

func (s *Site) createAccount(ctx context.Context, who actor.Actor, in *struct{ Body NewAccount }) (*Created[Account], error) {
	a := in.Body.account()
	if err := s.Accounts.Create(ctx, who, a, in.Body.Password); err != nil {
		return nil, err
	}
	return made("/accounts/"+a.ID.String(), a.Version, accountOf(a)), nil
}

func (s *Site) getAccount(ctx context.Context, who actor.Actor, in *Named) (*One[Account], error) {
	a, err := s.Accounts.Get(ctx, who, in.ID)
	if err != nil {
		return nil, err
	}
	return one(a.Version, accountOf(a)), nil
}

func (s *Site) editAccount(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body AccountFacts
}) (*One[Account], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	a := in.Body.account()
	a.ID, a.Version = in.ID, version
	if err := s.Accounts.Edit(ctx, who, a); err != nil {
		return nil, err
	}
	return one(a.Version, accountOf(a)), nil
}

func (s *Site) disableAccount(ctx context.Context, who actor.Actor, in *Edited) (*One[Account], error) {
	return s.switchAccount(ctx, who, in, s.Accounts.Disable)
}

func (s *Site) enableAccount(ctx context.Context, who actor.Actor, in *Edited) (*One[Account], error) {
	return s.switchAccount(ctx, who, in, s.Accounts.Enable)
}

func (s *Site) switchAccount(ctx context.Context, who actor.Actor, in *Edited, turn func(context.Context, actor.Actor, uuid.UUID, int) error) (*One[Account], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := turn(ctx, who, in.ID, version); err != nil {
		return nil, err
	}
	return s.getAccount(ctx, who, &in.Named)
}

func (s *Site) setPassword(ctx context.Context, who actor.Actor, in *struct {
	Named
	Body PasswordInput
}) (*Done, error) {
	return &Done{}, s.Accounts.SetPassword(ctx, who, in.ID, "", in.Body.Password)
}

func (s *Site) setMyLanguage(ctx context.Context, who actor.Actor, in *struct{ Body LanguageInput }) (*Done, error) {
	return &Done{}, s.Accounts.SetLanguage(ctx, who, who.ID, in.Body.Language)
}
