// Package public is what anybody may read: the list of sub-processors, an entry with its chain and
// history, the announced changes, and the list for programs. It shows facts that are published
// ([vendors.Published]) and nothing else of the register.
//
// # For programs
//
// /subprocessors.json is a [Document]: generated_at, last_updated, publisher, as_of, time_zone and
// entries. Names once there stay and keep their meaning; new ones may come. Lists are never null,
// texts that are not known are "", days are 2026-12-24 or "". Codes are those of the register:
// mechanisms are none_needed, adequacy, dpf, dpf_uk, dpf_swiss, scc_2, scc_3, uk_idta, uk_addendum
// and bcr; regimes eea, gb and ch; states of a certification current, expiring, expired, superseded,
// void_edition, invalid and unverified.
//
// /subprocessors.csv has one line for each entry (RFC 4180, UTF-8, a header); several values in a
// cell are parted by "; ". A cell that a spreadsheet would run as a formula begins with an
// apostrophe.
//
// Both take ?on= (a day, as people type it), q, product (a slug), region and scheme, like the page
// at /. What can't be read is answered with a problem document (RFC 9457) and status 422. Both may
// be read from any origin and carry ETag and Last-Modified; If-None-Match is answered with 304. The
// ETag does not depend on generated_at.
package public
