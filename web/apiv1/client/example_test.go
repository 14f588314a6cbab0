package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"fairnotice/web/apiv1/client"
)

// A nightly job brings the customers over from the publisher's own books.
func Example() {
	ctx := context.Background()
	c, err := client.New("https://trust.example.com", os.Getenv("FAIRNOTICE_API_KEY"), client.WithUserAgent("nightly/1.0"))
	if err != nil {
		log.Fatal(err)
	}
	for customer, err := range c.AllCustomers(ctx, &client.ListCustomersParams{Region: new(client.RegionEea)}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(customer.ExternalID, customer.Name)
	}
}

// An edit says on what it is based. Whoever comes second reads again and decides anew.
func ExampleClient_SavePublisher() {
	ctx := context.Background()
	c, err := client.New("https://trust.example.com", os.Getenv("FAIRNOTICE_API_KEY"))
	if err != nil {
		log.Fatal(err)
	}
	read, err := c.GetPublisher(ctx)
	if err != nil {
		log.Fatal(err)
	}
	settings := read.Body
	settings.PrivacyEmail = "privacy@example.com"
	_, err = c.SavePublisher(ctx, read.ETag, settings)
	var p *client.Problem
	switch {
	case errors.As(err, &p) && p.Code == "changed_meanwhile":
		fmt.Println("somebody was faster:", p.Detail)
	case err != nil:
		log.Fatal(err)
	}
}
