package apiv1

import (
	"context"
	"net/http"

	"github.com/google/uuid"

	"fairnotice/internal/actor"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
)

func (s *Site) customerOperations() {
	handle(s, op{id: "listCustomers", method: http.MethodGet, path: "/customers", tag: tagCustomers, act: actor.ReadConsole,
		summary: "Customers by name"}, s.listCustomers)
	handle(s, op{id: "addCustomer", method: http.MethodPost, path: "/customers", tag: tagCustomers, act: actor.EditCustomers,
		summary: "Add a customer"}, s.addCustomer)
	handle(s, op{id: "getCustomer", method: http.MethodGet, path: "/customers/{id}", tag: tagCustomers, act: actor.ReadConsole,
		summary: "One customer"}, s.getCustomer)
	handle(s, op{id: "editCustomer", method: http.MethodPut, path: "/customers/{id}", tag: tagCustomers, act: actor.EditCustomers,
		summary: "Change what is known of a customer"}, s.editCustomer)
	handle(s, op{id: "leaveCustomer", method: http.MethodPost, path: "/customers/{id}/leave", tag: tagCustomers, act: actor.EditCustomers,
		summary: "Say from which day on it is a customer no more", text: "Windows of changes that take effect later are not opened for it."}, s.leaveCustomer)
	s.contractOperations()
	s.templateOperations()
	s.contactOperations()
	s.subscriptionOperations()
	s.suppressionOperations()
}

type customersQuery struct {
	Query    string    `query:"query" maxLength:"200" doc:"Words in the name, the external ID or an affiliate."`
	Product  string    `query:"product" maxLength:"200" doc:"Slug of a product that the customer uses."`
	Region   string    `query:"region" enum:"eea,gb,ch,us,ca,latam,apac,mea"`
	Role     string    `query:"role" enum:"controller,processor,both"`
	Template uuid.UUID `query:"template" doc:"ID of a template on which a contract in force is based."`
	State    string    `query:"state" enum:"current,left,unreachable" doc:"unreachable: a customer today whom no notice would reach."`
	FieldsQuery
	PageQuery
}

func (s *Site) listCustomers(ctx context.Context, _ actor.Actor, in *customersQuery) (*Page[Part[Customer]], error) {
	list, err := s.Subscribers.Customers(ctx, subscribers.CustomerFilter{Query: in.Query, Product: in.Product, Region: publisher.Region(in.Region),
		Role: subscribers.Role(in.Role), Template: in.Template, State: subscribers.CustomerState(in.State), After: in.After, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	return page(ctx, in.FieldsQuery, mapped(list.Rows, customerOf), list.Next)
}

func (s *Site) getCustomer(ctx context.Context, _ actor.Actor, in *Named) (*One[Customer], error) {
	return s.customer(ctx, in.ID)
}

func (s *Site) customer(ctx context.Context, id uuid.UUID) (*One[Customer], error) {
	row, err := s.Subscribers.CustomerRow(ctx, id)
	if err != nil {
		return nil, err
	}
	return one(row.Version, customerOf(row)), nil
}

func (s *Site) addCustomer(ctx context.Context, who actor.Actor, in *struct{ Body CustomerFacts }) (*Created[Customer], error) {
	c := in.Body.customer(uuid.Nil, 0)
	if err := s.Subscribers.CreateCustomer(ctx, who, c); err != nil {
		return nil, err
	}
	row, err := s.Subscribers.CustomerRow(ctx, c.ID)
	if err != nil {
		return nil, err
	}
	return made("/customers/"+c.ID.String(), row.Version, customerOf(row)), nil
}

func (s *Site) editCustomer(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body CustomerFacts
}) (*One[Customer], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Subscribers.EditCustomer(ctx, who, in.Body.customer(in.ID, version)); err != nil {
		return nil, err
	}
	return s.customer(ctx, in.ID)
}

func (s *Site) leaveCustomer(ctx context.Context, who actor.Actor, in *struct {
	Edited
	Body LeaveInput
}) (*One[Customer], error) {
	version, err := in.version()
	if err != nil {
		return nil, err
	}
	if err := s.Subscribers.Leave(ctx, who, in.ID, version, in.Body.LeftOn.Date); err != nil {
		return nil, err
	}
	return s.customer(ctx, in.ID)
}
