package console

import (
	"testing"

	"fairnotice/internal/notify"
	"fairnotice/web"
	"fairnotice/web/webtest"
)

// decisionPages are the pages of home, changes and deliveries with what they are drawn with.
func decisionPages() map[string]web.Data {
	return map[string]web.Data{
		"home": &homePage{}, "changes/list": &changesPage{}, "changes/kind": &kindPage{}, "changes/form": &draftPage{}, "changes/show": &changePage{},
		"changes/audience": &audiencePage{}, "changes/windows": &windowsPage{}, "changes/announce": &announcePage{}, "changes/reason": &reasonPage{},
		"changes/preview": &previewPage{}, "deliveries/list": &deliveriesPage{}, "deliveries/show": &deliveryPage{}, "deliveries/retry": &retryPage{},
	}
}

func TestDecisionPagesFitTheirData(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for name, data := range decisionPages() {
		webtest.CheckTemplate(t, d.site.web, name, data)
	}
	webtest.CheckFragment(t, d.site.web, "changes/show", "change-progress", &progressPart{})
}

func TestTextsAreComplete(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	webtest.CheckCatalogs(t, files)
	webtest.CheckKeys(t, d.site.web)
	webtest.CheckFaults(t, d.kit, "change.not_found", "change.state", "change.four_eyes", "change.already_announced", "change.engagement_has_one",
		"change.replaces_itself", "effective.too_early", "effective.floor", "change.before_is_stale", "audience.no_terms", "audience.terms_not_computable", "announce.changed", "date.past", "date.too_far",
		"window.not_found", "window.closed", "notice.not_found", "delivery.not_found", "delivery.not_retryable", "attempt.not_found", "cursor.malformed",
		"engagement.not_in_effect", "publisher.not_found", "vendor.unknown", "announce.vendor_without_name", "announce.vendor_without_address",
		"announce.vendor_without_contact", "announce.without_purpose", "announce.without_mechanism", "announce.no_location",
		"fourth_party.without_address", "fourth_party.without_contact", "required", "role.missing", "changed_meanwhile")
	// Texts whose keys are put together.
	for _, key := range composedKeys() {
		for _, lang := range notify.Languages {
			if !d.kit.Has(lang, key) {
				t.Errorf("no text %s in %s", key, lang)
			}
		}
	}
}

// composedKeys are the texts that templates and handlers name by a value of the domain.
func composedKeys() (keys []string) {
	add := func(prefix string, values ...string) {
		for _, v := range values {
			keys = append(keys, prefix+v)
		}
	}
	states := []string{"draft", "in_review", "approved", "announced", "effective", "withdrawn"}
	kinds := []string{"addition", "replacement", "removal"}
	add("state.", states...)
	add("state.", deliveryStates()...)
	add("changes.in.", states...)
	add("changes.now.", "draft", "in_review", "approved", "announced")
	add("changes.step.", "drafted", "submitted", "approved", "announced", "effective", "withdrawn")
	add("changes.do.", "submit", "edit", "approve", "send-back", "announce", "withdraw")
	add("changes.new_", kinds...)
	add("changes.kind_text.", kinds...)
	add("changes.kind_link.", kinds...)
	add("option.kind.", kinds...)
	add("option.show.", audienceShows...)
	add("option.show.", windowShows...)
	add("audience.left_out_for.", "product", "region")
	add("authorisation.", "general", "specific")
	add("blocker.", "not_served", "notice_runs", "objection_runs", "date_to_come", "consent_owed", "held")
	add("notice.", "announcement", "withdrawal")
	add("deliveries.of_", "announcement", "withdrawal")
	add("deliveries.in.", deliveryStates()...)
	add("delivery.is.", append(deliveryStates(), "unclear")...)
	add("delivery.basis.", "contract", "follower")
	add("delivery.channel.", "email", "webhook", "slack")
	add("delivery.language.", "en", "de")
	add("outcome.", "accepted", "temporary", "permanent", "unreachable", "ambiguous")
	add("stage.", "compose", "connect", "tls", "auth", "mail", "rcpt", "data", "guard", "proxy", "dns", "request", "response")
	for _, step := range []string{"hold", "release"} {
		add("windows."+step+".", "title", "lead", "reason", "button", "link")
		add("windows.flash.", step)
	}
	add("changes.flash.", "drafted", "edited", "submitted", "approved", "announced", "sent_back", "withdrawn")
	add("home.first.", "publisher", "vendors", "customers", "change")
	return keys
}
