package apiv1

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/subscribers"
)

// ContactFacts are what is known of a person or a mailbox at a customer.
type ContactFacts struct {
	Name     string   `json:"name" maxLength:"200"`
	Position string   `json:"position" required:"false" maxLength:"200"`
	Email    string   `json:"email" maxLength:"254" doc:"One contact of a customer per address."`
	Language string   `json:"language" enum:"en,de"`
	Roles    []string `json:"roles" enum:"notices,fallback,objections" maxItems:"100" doc:"At least one. notices: is told of every change; fallback: is told when nobody with the role notices can be; objections: may object."`
}

// ContactInput is a contact as it is to be.
type ContactInput struct {
	ContactFacts
	ConsentHow     string `json:"consent_how,omitempty" maxLength:"500" doc:"How a contact who receives notices came to be named; absent: by the contract."`
	ConsentWording string `json:"consent_wording,omitempty" maxLength:"10000" doc:"To what they agreed, in the words of then."`
}

// Example is a new contact.
func (ContactInput) Example() any { return ContactInput{ContactFacts: exampleContact().ContactFacts} }

// Contact is a person or a mailbox at a customer.
type Contact struct {
	ID         uuid.UUID `json:"id"`
	CustomerID uuid.UUID `json:"customer_id"`
	ContactFacts
	Reached    string     `json:"reached,omitempty" enum:"active,pending,paused,disabled,unsubscribed,suppressed,missing" doc:"For the roles notices and fallback: active when a notice would reach the contact, else what prevents it."`
	VerifiedAt *time.Time `json:"verified_at,omitempty" doc:"When somebody made sure of the address; absent: nobody has."`
	RemovedAt  *time.Time `json:"removed_at,omitempty" doc:"A contact that was removed can still be read."`
	Version    int        `json:"version" doc:"For If-Match, in quotes."`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
}

// Example is a contact for notices.
func (Contact) Example() any { return exampleContact() }

func exampleContact() Contact {
	return Contact{ID: exampleID(11), CustomerID: exampleID(10), ContactFacts: ContactFacts{Name: "Kim Muster", Position: "Data protection officer",
		Email: "dpo@hansa-klinik.example", Language: "de", Roles: []string{subscribers.RoleNotices}}, Reached: "active", Version: 1,
		CreatedAt: exampleTime, UpdatedAt: exampleTime}
}

func (s *Site) contactOperations() {
	handle(s, op{id: "listContacts", method: http.MethodGet, path: "/customers/{id}/contacts", tag: tagSubscriptions, act: actor.ReadConsole,
		summary: "A customer's contacts", text: "Those that were removed are left out."}, s.listContacts)
	handle(s, op{id: "addContact", method: http.MethodPost, path: "/customers/{id}/contacts", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Add a contact", text: "One for notices or as fallback gets a subscription by email, on the basis of the contract."}, s.addContact)
	handle(s, op{id: "getContact", method: http.MethodGet, path: "/contacts/{id}", tag: tagSubscriptions, act: actor.ReadConsole,
		summary: "One contact"}, s.getContact)
	handle(s, op{id: "editContact", method: http.MethodPut, path: "/contacts/{id}", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Change a contact", text: "Its subscription by email follows: to another address, on, or off. A customer's last reachable contact stays one."}, s.editContact)
	handle(s, op{id: "removeContact", method: http.MethodDelete, path: "/contacts/{id}", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Remove a contact", text: "Its subscriptions are disabled. A customer's last reachable contact can't be removed."}, s.removeContact)
	handle(s, op{id: "verifyContact", method: http.MethodPost, path: "/contacts/{id}/verify", tag: tagSubscriptions, act: actor.EditCustomers,
		summary: "Say that somebody made sure of a contact's address"}, s.verifyContact)
}

func contactOf(k *subscribers.Contact, subs []subscribers.SubscriptionRow) Contact {
	out := Contact{ID: k.ID, CustomerID: k.CustomerID, ContactFacts: ContactFacts{Name: k.Name, Position: k.Position, Email: k.Email, Language: k.Language,
		Roles: listOf(k.Roles)}, VerifiedAt: inUTC(k.VerifiedAt), RemovedAt: inUTC(k.RemovedAt), Version: k.Version,
		CreatedAt: k.CreatedAt.UTC(), UpdatedAt: k.UpdatedAt.UTC()}
	if k.Receives() && k.RemovedAt == nil {
		out.Reached = subscribers.Reached(k.ID, subs)
	}
	return out
}

func inUTC(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	return &utc
}

func (in *ContactInput) contact(id, customer uuid.UUID, version int) (*subscribers.Contact, subscribers.Consent) {
	return &subscribers.Contact{ID: id, CustomerID: customer, Name: in.Name, Position: in.Position, Email: in.Email, Language: in.Language,
		Roles: in.Roles, Version: version}, subscribers.Consent{How: in.ConsentHow, Wording: in.ConsentWording}
}

func (s *Site) listContacts(ctx context.Context, _ actor.Actor, in *Named) (*List[Contact], error) {
	if _, err := s.Subscribers.Customer(ctx, in.ID); err != nil {
		return nil, err
	}
	list, err := s.Subscribers.Contacts(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	subs, err := s.subscriptionsOf(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	return all(mapped(list, func(k *subscribers.Contact) Contact { return contactOf(k, subs) })), nil
}

// subscriptionsOf lists all of a customer's subscriptions.
func (s *Site) subscriptionsOf(ctx context.Context, customer uuid.UUID) (out []subscribers.SubscriptionRow, err error) {
	filter := subscribers.SubscriptionFilter{Customer: customer, Limit: subscribers.MaxLimit}
	for {
		list, err := s.Subscribers.Subscriptions(ctx, filter)
		if err != nil {
			return nil, err
		}
		if out = append(out, list.Rows...); list.Next == "" {
			return out, nil
		}
		filter.After = list.Next
	}
}

func (s *Site) contact(ctx context.Context, id uuid.UUID) (*Contact, error) {
	k, err := s.Subscribers.Contact(ctx, id)
	if err != nil {
		return nil, err
	}
	subs, err := s.subscriptionsOf(ctx, k.CustomerID)
	if err != nil {
		return nil, err
	}
	out := contactOf(k, subs)
	return &out, nil
}

func (s *Site) oneContact(ctx context.Context, id uuid.UUID) (*One[Contact], error) {
	k, err := s.contact(ctx, id)
	if err != nil {
		return nil, err
	}
	return one(k.Version, *k), nil
}

func (s *Site) getContact(ctx context.Context, _ actor.Actor, in *Named) (*One[Contact], error) {
	return s.oneContact(ctx, in.ID)
}

func (s *Site) addContact(ctx context.Context, who actor.Actor, in *struct {
	Named
	Body ContactInput
}) (*Created[Contact], error) {
	k, consent := in.Body.contact(uuid.Nil, in.ID, 0)
	if err := s.Subscribers.AddContact(ctx, who, k, consent); err != nil {
		return nil, err
	}
	out, err := s.contact(ctx, k.ID)
	if err != nil {
		return nil, err
	}
	return made("/contacts/"+k.ID.String(), out.Version, *out), nil
}

func (s *Site) editContact(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body ContactInput
}) (*One[Contact], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	k, consent := in.Body.contact(in.ID, uuid.Nil, version)
	if err := s.Subscribers.EditContact(ctx, who, k, consent); err != nil {
		return nil, err
	}
	return s.oneContact(ctx, in.ID)
}

func (s *Site) removeContact(ctx context.Context, who actor.Actor, in *Edited) (*Done, error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	return &Done{}, s.Subscribers.RemoveContact(ctx, who, in.ID, version)
}

func (s *Site) verifyContact(ctx context.Context, who actor.Actor, in *Edited) (*One[Contact], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Subscribers.VerifyContact(ctx, who, in.ID, version); err != nil {
		return nil, err
	}
	return s.oneContact(ctx, in.ID)
}
