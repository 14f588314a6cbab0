package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
	"time"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/config"
	"fairnotice/internal/database"
	"fairnotice/internal/fault"
)

// adminKey makes an API key for an account, and prints it once with a command that tries it.
func adminKey(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("api admin key", flag.ContinueOnError)
	flags.SetOutput(out)
	email := flags.String("email", "", "address of the account that the key acts for")
	name := flags.String("name", "", "what the key is for")
	role := flags.String("role", "", "what the key may do: "+roleNames()+"; the account's own role when not given, which is the most")
	days := flags.Int("days", int(accounts.DefaultKeyLife.Hours()/24), "how long the key works")
	perMinute := flags.Int("per-minute", accounts.DefaultKeyRate, "requests that the key may make in a minute, in each server")
	var networks []string
	flags.Func("network", "from which the key may be used, such as 198.51.100.0/24; may be given several times; from anywhere when not given", func(text string) error {
		networks = append(networks, text)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("admin key doesn't take %q\n%s", flags.Arg(0), usage)
	}
	if most := int(accounts.LongestKeyLife.Hours() / 24); *days < 1 || *days > most {
		return fmt.Errorf("--days is between 1 and %d", most)
	}
	if *perMinute < 1 { // 0 would be taken for "not given"
		return errors.New("--per-minute is 1 or more")
	}
	cfg, err := config.FromEnvironment(config.Tool)
	if err != nil {
		return err
	}
	k := &accounts.Key{Name: *name, Role: actor.Role(*role), PerMinute: *perMinute}
	if k.Networks, err = accounts.ParseNetworks(networks); err != nil {
		return inWords(cfg, atFlags(err))
	}
	return withDatabase(ctx, cfg, func(db *database.DB) error {
		k.ExpiresAt = db.Now().Add(time.Duration(*days) * 24 * time.Hour)
		text, err := accounts.New(db).KeyFor(ctx, *email, k)
		if err != nil {
			return inWords(cfg, atFlags(err))
		}
		return tellKey(out, cfg.PublicURL, k, text)
	})
}

// atFlags names the flag where a fault names the field.
func atFlags(err error) error {
	found := fault.All(err)
	if len(found) == 0 {
		return err
	}
	list := make(fault.List, len(found))
	for i, f := range found {
		moved := *f
		switch {
		case strings.HasPrefix(f.Field, "networks"):
			moved.Field = "--network"
		case f.Field != "":
			moved.Field = "--" + strings.ReplaceAll(f.Field, "_", "-")
		}
		list[i] = &moved
	}
	return list
}

func tellKey(out io.Writer, publicURL string, k *accounts.Key, text string) error {
	from := "anywhere"
	if len(k.Networks) > 0 {
		list := make([]string, len(k.Networks))
		for i, n := range k.Networks {
			list[i] = n.String()
		}
		from = strings.Join(list, ", ")
	}
	_, err := fmt.Fprintf(out, "%s\n  acts for: %s, as %s\n  from:     %s\n  until:    %s\nIt is shown this once. Try it:\n  curl -H \"Authorization: Bearer %s\" %s/api/v1/me\n",
		text, k.AccountName, k.Role, from, k.ExpiresAt.Format("2006-01-02 15:04 MST"), text, strings.TrimSuffix(publicURL, "/"))
	return err
}

func roleNames() string {
	names := make([]string, len(actor.Roles))
	for i, r := range actor.Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}
