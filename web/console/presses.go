package console

import (
	"sync"
	"time"

	"fairnotice/web"
)

// presses remembers which forms were taken and where they led, so that a button pressed twice
// creates one thing. It lives in this process: what the domain refuses as a duplicate is refused
// everywhere.
type presses struct {
	mu   sync.Mutex
	seen map[string]*press
}

type press struct {
	mu sync.Mutex
	at time.Time
	to string // where the form led; "" until it was taken
}

const (
	keepPress  = 30 * time.Minute
	maxPresses = 10000
)

func newPresses() *presses { return &presses{seen: map[string]*press{}} }

// hold waits for another press of the same button to end. It returns the press, to be released, and
// where that other one led.
func (p *presses) hold(form *web.Form, now time.Time) *press {
	p.mu.Lock()
	one, ok := p.seen[form.Key()]
	if !ok {
		if len(p.seen) >= maxPresses {
			p.forget(now)
		}
		one = &press{at: now}
		p.seen[form.Key()] = one
	}
	p.mu.Unlock()
	one.mu.Lock()
	return one
}

func (p *presses) forget(now time.Time) {
	for key, one := range p.seen {
		if now.Sub(one.at) > keepPress {
			delete(p.seen, key)
		}
	}
	if len(p.seen) >= maxPresses {
		clear(p.seen)
	}
}

func (p *press) release() { p.mu.Unlock() }
