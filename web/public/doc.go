// Package public is what anybody may read: the list of sub-processors, an entry with its chain and
// history, the announced changes, and the list for programs. It shows facts that are published
// ([vendors.Published]) and nothing else of the register.
//
// # For programs
//
// /subprocessors.json is a [shapes.PublishedList], /changes.json a [shapes.PublishedChanges]. Codes are
// those of the register: mechanisms are none_needed, adequacy, dpf, dpf_uk, dpf_swiss, scc_2, scc_3,
// uk_idta, uk_addendum and bcr; regimes eea, gb and ch; states of a certification current, expiring,
// expired, superseded, void_edition, invalid and unverified.
//
// /subprocessors.csv has one line for each entry (RFC 4180, UTF-8, a header); several values in a
// cell are parted by "; ". A cell that a spreadsheet would run as a formula begins with an
// apostrophe.
//
// Both forms of the list take ?on= (a day, as people type it), q, product (a slug), region and scheme,
// like the page at /; the changes take state and after. What can't be read is answered with a problem
// document (RFC 9457) and status 422. All may be read from any origin and carry ETag and Last-Modified;
// If-None-Match and If-Modified-Since are answered with 304. The ETag does not depend on generated_at.
package public
