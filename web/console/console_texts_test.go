package console

import (
	"maps"
	"testing"

	"fairnotice/internal/accounts"
	"fairnotice/internal/actor"
	"fairnotice/internal/locale"
	"fairnotice/internal/publisher"
	"fairnotice/internal/subscribers"
	"fairnotice/internal/vendors"
	"fairnotice/web"
	"fairnotice/web/webtest"
)

// keepingPages are the pages of the register, the customers, the staff and the ledger, with what
// they are drawn with.
func keepingPages() map[string]web.Data {
	return map[string]web.Data{
		"account/sign-in": &signInPage{}, "account/account": &accountPage{},
		"account/keys": &keysPage{}, "account/key-form": &keyFormPage{}, "account/key": &keyMadePage{},
		"register/confirm": &confirmPage{}, "register/list": &vendorListPage{}, "register/vendor": &vendorPage{},
		"register/vendor-form": &vendorFormPage{}, "register/engagement": &engagementPage{}, "register/engagement-form": &engagementFormPage{},
		"register/link": &linkPage{}, "register/certification": &certificationPage{},
		"customers/list": &customerListPage{}, "customers/customer": &customerPage{}, "customers/customer-form": &customerFormPage{},
		"customers/contact": &contactFormPage{}, "customers/contract": &contractPage{}, "customers/contract-form": &contractFormPage{},
		"customers/subscription": &subscriptionPage{}, "customers/subscription-form": &subscriptionFormPage{}, "customers/secret": &secretPage{}, "customers/replace": &replacePage{}, "customers/suppressions": &suppressionPage{}, "customers/templates": &templateListPage{},
		"customers/template": &templatePage{}, "customers/template-form": &templateFormPage{},
		"staff/list": &staffListPage{}, "staff/new": &staffPage{}, "staff/edit": &staffPage{}, "staff/password": &staffPage{},
		"staff/settings": &settingsPage{}, "staff/products": &productsPage{}, "staff/ledger": &ledgerPage{}, "staff/entry": &entryPage{},
	}
}

func TestEveryPageFitsItsData(t *testing.T) {
	t.Parallel()
	pages := decisionPages()
	maps.Copy(pages, keepingPages())
	webtest.CheckTemplates(t, newDesk(t).site.web, pages)
}

func TestFaultsHaveSentences(t *testing.T) {
	t.Parallel()
	webtest.CheckFaults(t, newDesk(t).kit,
		"account.disable_self", "account.last_admin", "account.not_found", "account.unknown", "certification.days_reversed", "certification.not_below",
		"chain.cycle", "chain.ended", "chain.since_future", "chain.twice", "changed_meanwhile", "choice.unknown", "contact.last_reachable",
		"contact.not_found", "contact.removed", "contract.cannot_unsubscribe", "contract.ends_before_signing", "control_characters", "country.unknown",
		"cursor.malformed", "date.malformed", "draft.in_effect", "duplicate", "email.malformed", "engagement.needs_change", "key.account_disabled", "key.expires_late", "key.expires_past", "key.many", "key.networks", "key.not_found", "key.revoked", "key.role", "network.malformed", "engagement.not_in_effect",
		"language.unknown", "list.too_long", "location.twice", "not_found", "number.malformed", "number.range", "password.one_character",
		"password.own_name", "password.short", "password.wrong", "product.unknown", "publisher.exists", "publisher.not_found", "required",
		"review.before_last", "role.missing", "sign_in.failed", "sign_in.needed", "sign_in.too_many", "slack.host", "slack.malformed", "slack.token_malformed", "slack.token_needed", "slack.token_unneeded", "slug.malformed",
		"subdivision.malformed", "subscription.no_former_secret", "subscription.no_secret_slack",
		"subscription.no_secret_webhook", "subscription.not_slack", "subscription.not_webhook", "subscription.state", "subscription.suppressed", "suppression.not_found", "template.unknown", "terms.cutoff_unused",
		"terms.field_unknown", "terms.holidays_needed", "terms.json_malformed", "terms.not_computable", "terms.recipients_too_many",
		"terms.value_malformed", "time_zone.unknown", "too_large", "too_long", "too_many", "transfer.needs_mechanism", "transfer.twice",
		"url.credentials", "url.https_needed", "url.malformed", "url.scheme", "utf8", "vendor.unknown")
}

// Texts and labels that handlers and templates ask for by a value of the domain.
func TestTextsOfValuesAreThere(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var keys []string
	add := func(prefix string, values ...string) {
		for _, v := range values {
			keys = append(keys, prefix+v)
		}
	}
	add("option.regions.", texts(publisher.Regions)...)
	add("option.special_categories.", texts(vendors.SpecialCategories)...)
	add("option.place.", texts(vendors.LocationKinds)...)
	for _, r := range vendors.Regimes {
		add("option.mechanism.", texts(vendors.MechanismsFor(r))...)
		add("field.locations.transfers.", string(r))
		add("field.locations.assessed_on.", string(r))
	}
	add("staff.role.", texts(actor.Roles)...)
	add("staff.role_hint.", texts(actor.Roles)...)
	add("option.role.", texts(subscribers.Roles)...)
	add("option.customer_state.", texts(subscribers.CustomerStates)...)
	add("option.roles.", subscribers.ContactRoles...)
	add("contacts.role_hint.", subscribers.ContactRoles...)
	add("option.kinds.", subscribers.Kinds...)
	add("option.reason.", subscribers.SuppressionReasons...)
	add("option.window_kind.", sheetKinds...)
	add("option.evidence_for.", texts(vendors.Audiences)...)
	add("period.", texts(subscribers.Units)...)
	add("state.", texts(subscribers.States)...)
	add("state.", "reachable", "ended", "missing", "suppressed", "no_secret")
	add("subscriptions.secret_kept_", "webhook", "slack")
	add("subscriptions.secret", "", "_title", "_what")
	add("subscriptions.basis.", "contract", "follower")
	add("sheet.runs.", sheetChoices["objection_runs"]...)
	add("sheet.clock.", sheetChoices["clock_starts"]...)
	add("sheet.waits.", sheetChoices["activation_waits_for"]...)
	add("sheet.served.", sheetChoices["served"]...)
	add("sheet.counting.", sheetChoices["counting"]...)
	add("sheet.silence.", "accepted", "refused")
	for field, values := range sheetChoices {
		add("option."+field+".", values...)
	}
	for _, act := range subscriptionActs {
		add("subscriptions."+act, "", "_title", "_what", "_done")
	}
	for _, act := range []string{"remove", "verify"} {
		add("contacts."+act, "", "_title", "_what", "_record")
	}
	add("state.", texts(accounts.KeyStates)...)
	add("option.life.", keyLives...)
	add("ledger.actor.", "staff", "system", "recipient", "public")
	for _, key := range keys {
		for _, lang := range locale.All {
			if !d.kit.Has(lang, key) {
				t.Errorf("no text %s in %s", key, lang)
			}
		}
	}
}

// Each field that a fault can name has a label, or the sentence would show its bare name.
func TestFieldsOfRecordsHaveLabels(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	fields := []string{"emergency.objection.count", "by_kind.removal.notice.count", "by_kind.removal.notice.unit", "before_signing.notice.count",
		"token", "secret", "former_secret", "networks", "per_minute", "life", "expires_on", "expires_at", "before_signing.by_kind.scope.objection.unit", "recipients.0", "products.0.plan", "plans.0", "locations.3.kind", "locations.0.country"}
	for _, leaf := range sheetLeaves {
		fields = append(fields, leaf.path)
	}
	for _, kind := range sheetKinds {
		fields = append(fields, "by_kind."+kind)
	}
	for _, field := range fields {
		for _, lang := range locale.All {
			if d.site.fieldLabel(lang, field) == field {
				t.Errorf("no label for %s in %s", field, lang)
			}
		}
	}
}
