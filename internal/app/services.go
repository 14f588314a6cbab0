package app

import (
	"fairnotice/internal/accounts"
	"fairnotice/internal/jobs"
	"fairnotice/internal/publisher"
)

// Services are the domain's packages, ready for use. A new one gets a field here, a line in
// newServices and, when it has jobs, a line in (*App).jobs.
type Services struct {
	Jobs      *jobs.Inserter
	Publisher *publisher.Service
	Accounts  *accounts.Service
}

// newServices makes the services, lower floors first: a.DB, a.Keys, a.Config and a.Log are there.
func newServices(a *App) (Services, error) {
	inserter, err := jobs.NewInserter(a.DB, a.Log)
	if err != nil {
		return Services{}, err
	}
	return Services{
		Jobs:      inserter,
		Publisher: publisher.New(a.DB),
		Accounts:  accounts.New(a.DB),
	}, nil
}
