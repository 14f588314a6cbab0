package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"fairnotice/web/apiv1/client"
)

const aboutAnnounce = `Announces an approved change: its notice goes out to everybody whom it concerns. Before, it shows whom
that is and what would refuse it, and asks. Announcing cannot be undone: a change can only be withdrawn,
with another notice. A change that was announced before is not announced again.`

func announce(ctx context.Context, args []string, sh *shell) error {
	c := sh.flags("announce", "REFERENCE", aboutAnnounce)
	yes := c.Bool("yes", false, "don't ask")
	follow := c.Bool("watch", false, "then follow the deliveries to their end")
	plain, err := c.parse(args, 1)
	if err != nil {
		return err
	}
	api, err := sh.connect(c)
	if err != nil {
		return err
	}
	read, err := api.GetChange(ctx, plain[0])
	if err != nil {
		return err
	}
	change := &read.Body
	if change.AnnouncedAt != nil {
		fmt.Fprintf(sh.out, "%s was announced on %s.\n", change.Reference, change.AnnouncedAt.UTC().Format("2006-01-02 15:04 MST"))
	} else if err := sh.announceNow(ctx, api, change, *yes); err != nil {
		return err
	}
	if !*follow {
		return nil
	}
	return sh.watchChange(ctx, api, change.Reference, false)
}

// announceNow shows what is about to happen, asks, and does it.
func (sh *shell) announceNow(ctx context.Context, api *client.Client, change *client.ChangeDetail, yes bool) error {
	if change.State != client.ChangeStateApproved {
		return fmt.Errorf("%s is in the state %s: only an approved change can be announced", change.Reference, change.State)
	}
	ready, err := api.GetReadiness(ctx, change.Reference)
	if err != nil {
		return err
	}
	audience, err := api.GetAudience(ctx, change.Reference)
	if err != nil {
		return err
	}
	sh.showChange(change, &audience.Body)
	sh.showParts("warning", ready.Body.Warnings)
	sh.showParts("refused", ready.Body.Faults)
	if !ready.Body.Ready {
		return fmt.Errorf("%s can't be announced as it is", change.Reference)
	}
	if !yes {
		if err := sh.confirm(fmt.Sprintf("Announce %s?", change.Reference)); err != nil {
			return err
		}
	}
	key := client.IdempotencyKey(fmt.Sprintf("announce-%s-%d", change.ID, change.Version))
	if _, err := api.AnnounceChange(ctx, change.ID.String(), key); err != nil {
		return err
	}
	_, err = fmt.Fprintf(sh.out, "%s is announced.\n", change.Reference)
	return err
}

func (sh *shell) showChange(change *client.ChangeDetail, a *client.Audience) {
	fmt.Fprintf(sh.out, "%s: %s, %s", change.Reference, change.Kind, change.VendorName)
	if change.EffectiveOn != nil {
		fmt.Fprintf(sh.out, ", from %s", change.EffectiveOn)
	}
	fmt.Fprintf(sh.out, "\n  concerns  %d customers (%d not), by %d messages to them and %d to followers\n",
		a.Included, a.LeftOut, a.Recipients, a.Followers)
	if a.Later > 0 && a.LastOn != nil {
		fmt.Fprintf(sh.out, "  later     for %d customers, whose terms ask for it; for the last on %s\n", a.Later, a.LastOn)
	}
	if a.Unreachable > 0 {
		fmt.Fprintf(sh.out, "  nobody    can be told at %d customers: their clocks don't start\n", a.Unreachable)
	}
}

func (sh *shell) showParts(word string, parts []client.ProblemPart) {
	for _, p := range parts {
		fmt.Fprintf(sh.out, "  %-8s  %s\n", word, p.Detail)
	}
}

// confirm asks a person. Where nobody sits there, --yes is needed: silence is no yes.
func (sh *shell) confirm(question string) error {
	if !sh.interactive() {
		return wrong("nobody is there to confirm it: give --yes")
	}
	fmt.Fprintf(sh.out, "%s [y/N] ", question)
	line, err := bufio.NewReader(io.LimitReader(sh.in, 100)).ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(line)) {
	case "y", "yes":
		return nil
	}
	if err != nil {
		fmt.Fprintln(sh.out)
	}
	return fmt.Errorf("not announced")
}
