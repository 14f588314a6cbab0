// Package slack posts messages to Slack, through an incoming-webhook URL or with a bot token.
//
// [Payload] builds the bytes of a message, the same bytes for the same message every time: their
// digest is what the evidence holds. [Client.Send] posts it once and answers with a [Result] that
// says what Slack said and whether to try again. Slack knows no idempotency key, so nothing here
// repeats by itself: a post whose answer got lost is reported as [Ambiguous], and whoever repeats it
// knows that it may appear twice.
//
// [Check] and [Fit] keep Block Kit's limits and [Escape] keeps foreign text from posing as markup. The
// package knows no notices, no deliveries and no database.
package slack
