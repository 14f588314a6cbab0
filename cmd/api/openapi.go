package main

import (
	"fmt"
	"io"
	"net/url"

	"fairnotice/internal/config"
	"fairnotice/web/apiv1"
)

// openapi writes the API's document, for whoever generates a client or checks it. It needs no database.
func openapi(args []string, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("openapi doesn't take %q\n%s", args[0], usage)
	}
	cfg, err := config.FromEnvironment(config.Tool)
	if err != nil {
		return err
	}
	public, err := url.Parse(cfg.PublicURL)
	if err != nil {
		return err
	}
	document, err := apiv1.Document(public)
	if err != nil {
		return err
	}
	_, err = out.Write(document)
	return err
}
