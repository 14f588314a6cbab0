package shapes

import (
	"time"

	"fairnotice/internal/calendar"
)

// PublishedChanges is the answer of /changes.json.
type PublishedChanges struct {
	GeneratedAt time.Time         `json:"generated_at,omitzero" doc:"When this was answered."`
	LastUpdated *time.Time        `json:"last_updated" doc:"When the public last heard something new of these changes; null: there are none."`
	Publisher   PublishedCompany  `json:"publisher"`
	TimeZone    string            `json:"time_zone" doc:"IANA name; every day here is a day of this zone."`
	Changes     []PublishedChange `json:"changes" doc:"The newest first; at most 50."`
	Next        string            `json:"next" doc:"Give it as after to get older ones; empty when there are none."`
}

// PublishedChange is an announced change of the list, with the dates that hold for everybody: a
// customer's own are in its notice.
type PublishedChange struct {
	Reference       string          `json:"reference"`
	URL             string          `json:"url" doc:"Its page."`
	Kind            string          `json:"kind" enum:"addition,replacement,removal"`
	State           string          `json:"state" enum:"announced,effective,withdrawn"`
	EngagementID    string          `json:"engagement_id" doc:"As in the list of sub-processors."`
	Vendor          string          `json:"vendor" doc:"The name of the vendor that it is about."`
	Replaces        string          `json:"replaces" doc:"The name of the vendor that is replaced."`
	Reason          string          `json:"reason"`
	Safeguards      string          `json:"safeguards"`
	AnnouncedAt     time.Time       `json:"announced_at"`
	NoticeOn        calendar.Date   `json:"notice_on" doc:"The day of announced_at."`
	ObjectionEndsAt *time.Time      `json:"objection_ends_at" doc:"The first instant after the shortest objection period of any customer; null: only in each notice."`
	ObjectionUntil  calendar.Date   `json:"objection_until" doc:"The last day of that period."`
	EffectiveOn     calendar.Date   `json:"effective_on" doc:"The planned day of effect."`
	LastEffectiveOn calendar.Date   `json:"last_effective_on" doc:"The last customer's day, where it is later than the planned one."`
	EffectiveAt     *time.Time      `json:"effective_at" doc:"When it took effect; null: not yet, or never."`
	WithdrawnAt     *time.Time      `json:"withdrawn_at" doc:"null: it stands."`
	WithdrawnReason string          `json:"withdrawn_reason"`
	Before          *PublishedFacts `json:"before,omitempty" doc:"As it was when the change was announced; absent where there was no engagement."`
	After           *PublishedFacts `json:"after,omitempty" doc:"As it is to be; absent where the engagement ends."`
}
