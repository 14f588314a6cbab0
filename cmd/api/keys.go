package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/subscribers"
)

// rotateKeys seals stored secrets anew with the first key of ENCRYPTION_KEYS, while api and workers
// run. docs/operations.md says what comes before and after.
func rotateKeys(ctx context.Context, args []string, out io.Writer) error {
	if len(args) > 0 {
		return fmt.Errorf("admin rotate-keys doesn't take %q\n%s", args[0], usage)
	}
	cfg, err := config.FromEnvironment(config.Tool)
	if err != nil {
		return err
	}
	ring, err := cfg.KeyRing()
	if err != nil {
		return err
	}
	return withDatabase(ctx, cfg, func(db *database.DB) error {
		customers := subscribers.New(db, subscribers.NewVault(ring), subscribers.AddressRules{})
		done, err := customers.ReSeal(ctx, func(done int) { fmt.Fprintf(out, "%d so far\n", done) })
		said := fmt.Sprintf("Subscriptions whose secrets were sealed anew with the key %q: %d.", ring.Current(), done)
		if err == nil {
			said += " No stored secret needs another key."
		}
		_, printErr := fmt.Fprintln(out, said)
		var lost *subscribers.LostError
		if errors.As(err, &lost) {
			err = fmt.Errorf("%w\n  Put the key that is missing back behind the others and run this again, or, where it is lost for good, "+
				"make new secrets for these webhooks and enter the Slack URLs and tokens again in the console", err)
		}
		return errors.Join(err, printErr)
	})
}
