package main

import (
	"fmt"
	"strings"

	"aksara.dev/aksara"
)

// hear connects the handlers of every other signal.
func hear() {
	aksara.PostSave("Conform", seen, aksara.Name("seen_post_save"))
	aksara.PreDelete("Conform", seen, aksara.Name("seen_pre_delete"))
	aksara.PostDelete("Conform", seen, aksara.Name("seen_post_delete"))
	aksara.PreBulkCreate("Conform", number, aksara.Name("seen_pre_bulk_create"), aksara.Writes("text_out"))
	aksara.PostBulkCreate("Conform", seen, aksara.Name("seen_post_bulk_create"))
	aksara.PreBulkUpdate("Conform", seen, aksara.Name("seen_pre_bulk_update"))
	aksara.PostBulkUpdate("Conform", seen, aksara.Name("seen_post_bulk_update"))
	aksara.M2MChanged("Conform.notes", seen, aksara.Name("seen_m2m_changed"))
	aksara.AfterCommit("Conform", seen, aksara.Name("seen_after_commit"))
	aksara.AfterRollback("Conform", seen, aksara.Name("seen_after_rollback"))
	aksara.On("conform.happened", "", happened)
}

// seen says what it heard.
func seen(e *aksara.Event) error {
	ends := e.Signal == "after_commit" || e.Signal == "after_rollback"
	var fields []any
	add := func(present bool, name string, value any) {
		if present {
			fields = append(fields, name, value)
		}
	}
	var changes []string
	for _, change := range e.Changes {
		changes = append(changes, change.Field)
	}
	add(ends || e.Signal == "post_save", "created", e.Created)
	add(changes != nil, "changes", sorted(changes))
	add(e.Origin != "", "origin", e.Origin)
	add(strings.Contains(e.Signal, "bulk"), "instances", len(e.Instances))
	add(e.Signal == "post_bulk_update", "rows", e.Rows)
	add(e.Action != "", "action", e.Action)
	add(e.Action != "", "reverse", e.Reverse)
	add(e.Action != "", "pk_set", len(e.PKSet))
	add(ends, "deleted", e.Deleted)
	add(e.Key != nil, "key", e.Key)
	aksara.Log.Info("seen "+e.Signal, fields...)
	return nil
}

// number is seen, and numbers the instances.
func number(e *aksara.Event) error {
	for i, instance := range e.Instances {
		instance.Set("text_out", fmt.Sprintf("bulk %d", i))
	}
	return seen(e)
}

// happened hears the signal that obey sends.
func happened(e *aksara.Event) error {
	aksara.Log.Info("happened", "number", e.Args.Value("number"), "text", e.Args.Value("text"))
	return nil
}
