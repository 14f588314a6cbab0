package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"mime"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

const (
	silence   = 35 * time.Second // on a stream on which something comes every 10 seconds: something between holds it back
	pollEvery = 2 * time.Second
	pollMost  = 15 * time.Second // while nothing changes
)

// Follow gives a notice's progress at once, and again whenever it has changed, until every delivery
// has come to an end. It listens to the server's events; when they are cut off it listens anew, and
// where they don't come through it asks again and again. The last value before an error is still true.
func (c *Client) Follow(ctx context.Context, notice uuid.UUID) iter.Seq2[NoticeProgress, error] {
	return func(yield func(NoticeProgress, error) bool) {
		f := &follower{c: c, notice: notice, yield: yield, silence: silence, every: pollEvery, pause: pollEvery, comeBack: pollEvery}
		if err := f.run(ctx); err != nil {
			yield(NoticeProgress{}, err)
		}
	}
}

type follower struct {
	c        *Client
	notice   uuid.UUID
	yield    func(NoticeProgress, error) bool
	last     *NoticeProgress
	ended    bool // nothing is left to tell, or nobody to tell it to
	deaf     bool // events don't come through
	silence  time.Duration
	every    time.Duration // between questions, while something changes
	pause    time.Duration
	comeBack time.Duration
}

func (f *follower) run(ctx context.Context) error {
	for {
		heard := false
		if !f.deaf {
			var err error
			if heard, err = f.listen(ctx); err != nil && !mayPoll(err) {
				return err
			}
		}
		if !f.ended && !heard {
			if err := f.poll(ctx); err != nil {
				return err
			}
		}
		if f.ended {
			return nil
		}
		pause := f.pause
		if heard {
			pause = f.comeBack
		}
		if !sleep(ctx, pause) {
			return ctx.Err()
		}
	}
}

// mayPoll says whether an answer may still be had otherwise: not when the server knows no such
// notice, or won't tell.
func mayPoll(err error) bool {
	var p *Problem
	return !errors.As(err, &p) || transient(err)
}

// tell passes on what has changed.
func (f *follower) tell(p *NoticeProgress) {
	if f.last != nil && reflect.DeepEqual(f.last, p) {
		f.pause = min(2*f.pause, pollMost)
	} else {
		f.last, f.pause = p, f.every
		if !f.yield(*p, nil) {
			f.ended = true
		}
	}
	f.ended = f.ended || p.Done >= p.Total
}

func (f *follower) poll(ctx context.Context) error {
	answer, err := f.c.GetProgress(ctx, f.notice)
	if err != nil {
		return err
	}
	f.tell(&answer.Body)
	return nil
}

// listen follows one stream until it ends. heard says whether anything came of it.
func (f *follower) listen(ctx context.Context) (heard bool, err error) {
	within, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(f.silence, cancel)
	defer watchdog.Stop()
	once := *f.c
	once.retries.tries = 1 // there is another way
	response, err := once.WatchProgress(within, f.notice)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	if media, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type")); media != "text/event-stream" {
		f.deaf = true
		return false, nil
	}
	err = events(response.Body, func() { watchdog.Reset(f.silence) }, func(e event) bool {
		var p NoticeProgress
		if e.retry > 0 {
			f.comeBack = e.retry
		}
		if e.name != "progress" && e.name != "done" || json.Unmarshal([]byte(e.data), &p) != nil {
			return true
		}
		heard = true
		f.tell(&p)
		return !f.ended
	})
	if ctx.Err() != nil {
		return heard, ctx.Err()
	}
	f.deaf = !heard && err != nil
	return heard, nil
}

// event is one of a stream of server-sent events.
type event struct {
	name, data string
	retry      time.Duration
}

// longestLine bounds a line of a stream.
const longestLine = 1 << 20

// events reads a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html) until it
// ends or take wants no more. alive is called for each line.
func events(r io.Reader, alive func(), take func(event) bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, longestLine)
	var e event
	var data []string
	for lines.Scan() {
		alive()
		line := strings.TrimSuffix(lines.Text(), "\r")
		if line == "" {
			e.data = strings.Join(data, "\n")
			if !take(e) {
				return nil
			}
			e, data = event{}, nil
			continue
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			e.name = value
		case "data":
			data = append(data, value)
		case "retry":
			if ms, err := strconv.Atoi(value); err == nil && ms > 0 {
				e.retry = min(time.Duration(ms)*time.Millisecond, pollMost)
			}
		}
	}
	return lines.Err()
}
