package actor

import (
	"testing"

	"fairnotice/internal/fault"
)

func TestNobodyButStaffAndSystemMayAnything(t *testing.T) {
	for act := range may {
		for _, kind := range []Kind{Public, Recipient} {
			// A role on somebody who isn't staff must count for nothing.
			if err := (Actor{Kind: kind, Role: Admin}).Must(act); !fault.Is(err, fault.Unauthenticated) {
				t.Errorf("%s, %s: got %v, want unauthenticated", kind, act, err)
			}
		}
		if err := ForSystem().Must(act); err != nil {
			t.Errorf("system, %s: %v", act, err)
		}
		if err := (Actor{Kind: Staff, Role: Admin}).Must(act); err != nil {
			t.Errorf("admin, %s: %v", act, err)
		}
	}
}

func TestDecisionsNeedAnApprover(t *testing.T) {
	for _, act := range []Act{ApproveChange, AnnounceChange, WithdrawChange} {
		for role, want := range map[Role]bool{Admin: true, Approver: true, Editor: false, Reviewer: false} {
			if got := (Actor{Kind: Staff, Role: role}).May(act); got != want {
				t.Errorf("%s may %s = %v, want %v", role, act, got, want)
			}
		}
	}
	err := Actor{Kind: Staff, Role: Editor}.Must(ApproveChange)
	if !fault.Is(err, fault.Forbidden) {
		t.Errorf("editor approves: got %v, want forbidden", err)
	}
}

func TestUnknownRoleMayNothing(t *testing.T) {
	for act := range may {
		if (Actor{Kind: Staff, Role: "owner"}).May(act) {
			t.Errorf("an unknown role may %s", act)
		}
	}
}
