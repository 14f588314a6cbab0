package database_test

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"fairnotice/internal/database"
	"fairnotice/internal/database/databasetest"
)

func TestAnAbsentDatabaseIsTold(t *testing.T) {
	db, _ := databasetest.New(t)
	err := db.Transact(t.Context(), func(tx *database.Tx) error {
		_, err := tx.Exec("select pg_terminate_backend(pg_backend_pid())")
		return fmt.Errorf("wrapped: %w", err)
	})
	if !database.Away(err) {
		t.Errorf("a connection that was cut: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := listener.Addr().String()
	listener.Close()
	if _, err = database.Open(t.Context(), "postgres://nobody@"+nobody+"/none?sslmode=disable", database.Options{}); !database.Away(err) {
		t.Errorf("nobody listens: %v", err)
	}
}

func TestADefectIsNoAbsence(t *testing.T) {
	db, _ := databasetest.New(t)
	_, wrong := db.Pool().Exec(t.Context(), "select nonsense")
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	_, cancelled := db.Pool().Exec(ctx, "select pg_sleep(5)")
	for _, err := range []error{nil, wrong, cancelled} {
		if database.Away(err) {
			t.Errorf("taken for an absence: %v", err)
		}
	}
}
