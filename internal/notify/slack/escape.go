package slack

import (
	"regexp"
	"strings"
)

var (
	markup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	// everybody finds the words that alert a whole channel where Slack parses bare mentions. What
	// stands before the @ tells them from an email address.
	everybody = regexp.MustCompile(`(?i)(^|[^\pL\pN._%+-])@(channel|here|everyone|group)\b`)
)

// Escape makes foreign text harmless inside a text of type mrkdwn: &, < and > become entities (the
// three characters that Slack asks to have escaped), so that nothing in it can open a link
// (<https://…|…>), a mention (<@U…>, <!channel>, <!subteam^…>) or a channel's name (<#C…>). Bare words
// such as @channel, which Slack may parse too, get an invisible joiner (U+2060) after the @.
//
// It does not touch *, _, ~ and `, for which Slack has no escape: foreign text can be bold, but it
// can't call or link. Texts of type plain_text (headers, buttons) don't need it, since Slack parses
// nothing in them; escaped ones would show their entities. [Message.Text] doesn't need it either: it
// is escaped here when it is sent.
func Escape(s string) string {
	s = markup.Replace(s)
	if !strings.Contains(s, "@") {
		return s
	}
	return everybody.ReplaceAllString(s, "$1@\u2060$2")
}
