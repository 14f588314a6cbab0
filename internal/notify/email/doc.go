// Package email is the email channel: it composes a notice's bytes and hands them to a mail relay.
//
// A [Composer] turns a [Message] into bytes, the same bytes for the same message every time, so that
// what was sent can be rebuilt and shown. A [Pool] keeps connections to one relay and sends one message
// to one recipient at a time; it answers with a [Result] that says what the server said and whether to
// try again. The SMTP conversation is our own, because no library pipelines MAIL, RCPT and DATA.
//
// The package knows no notices, no deliveries and no database.
package email
