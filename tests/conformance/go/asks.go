package main

import (
	"errors"
	"strings"

	"aksara.dev/aksara"
)

func call(c *conform, service string, args any) error {
	answer, err := aksara.Call(service, args)
	if err == nil {
		c.TextOut = pointer(answer.(string))
	}
	return err
}

// ask carries out the commands that ask the host for something; an unknown one does nothing.
func ask(c *conform) error {
	switch c.Command {
	case "get", "find", "count", "denied", "taken":
		return read(c)
	case "create", "update", "increment", "bump", "delete":
		return write(c)
	case "send":
		return aksara.Send("conform.happened", aksara.Values{"number": c.integer(), "text": c.text()})
	case "send_wrong":
		return aksara.Send("conform.happened", aksara.Values{"number": c.integer()})
	case "service":
		return call(c, "conform.reverse", c.text())
	case "keep":
		return call(c, "conform.keep", documentOf(c))
	case "config":
		greeting, err := aksara.Config("greeting")
		if err != nil {
			return err
		}
		if greeting == nil {
			greeting = "none"
		}
		c.TextOut = pointer(greeting.(string))
	case "cache":
		return cache(c)
	}
	return nil
}

func read(c *conform) error {
	switch c.Command {
	case "get":
		note, err := aksara.Models.Get("Note", c.integer(), "title")
		if err != nil {
			return err
		}
		c.TextOut = pointer("none")
		if note != nil {
			c.TextOut = pointer(note.String("title"))
		}
	case "find":
		many := aksara.F("stars").Ge(c.integer())
		notes, err := aksara.Models.Find("Note", "title").Where(many).OrderBy("-stars").Limit(2).Rows()
		if err != nil {
			return err
		}
		var titles []string
		for _, note := range notes {
			titles = append(titles, note.String("title"))
		}
		c.TextOut = pointer(strings.Join(titles, ","))
	case "count":
		many, start := aksara.F("stars").Ge(c.integer()), aksara.F("title").StartsWith(c.text())
		count, err := aksara.Models.Count("Note", many, start)
		c.IntegerOut = &count
		return err
	case "taken":
		_, err := aksara.Models.Create("Note", aksara.Values{"id": c.integer()})
		var refused *aksara.HostError
		if errors.As(err, &refused) && refused.Violation != nil {
			broken := refused.Violation
			c.TextOut = pointer(broken.Kind + " " + broken.Model + " " + strings.Join(broken.Fields, ","))
		}
	case "denied":
		_, err := aksara.Models.Get("Secret", 1)
		c.TextOut = pointer(err.Error())
	}
	return nil
}

func write(c *conform) error {
	var rows int64
	var err error
	switch c.Command {
	case "create":
		note, err := aksara.Models.Create("Note", aksara.Values{"title": c.text(), "stars": 1})
		if err != nil {
			return err
		}
		rows = note.Int("id")
	case "update":
		rows, err = aksara.Models.Update("Note", c.integer(), aksara.Values{"title": c.text()})
	case "increment":
		if _, err := aksara.Models.Get("Note", c.integer()); err != nil {
			return err
		}
		rows, err = aksara.Models.Update("Note", c.integer(), aksara.Values{"stars": aksara.F("stars").Add(1)})
	case "bump":
		few := aksara.F("stars").Lt(c.integer())
		rows, err = aksara.Models.UpdateRows("Note", few, aksara.Values{"stars": aksara.F("stars").Add(1)})
	case "delete":
		rows, err = aksara.Models.Delete("Note", c.integer())
	}
	c.IntegerOut = &rows
	return err
}

func cache(c *conform) error {
	bucket := aksara.Cache("conform")
	if err := bucket.Set("key", []byte(c.text())); err != nil {
		return err
	}
	kept, _, err := bucket.Get("key")
	if err != nil {
		return err
	}
	c.TextOut = pointer(string(kept))
	if err := bucket.Delete("key"); err != nil {
		return err
	}
	exists, err := bucket.Exists("key")
	c.BooleanOut = &exists
	return err
}
