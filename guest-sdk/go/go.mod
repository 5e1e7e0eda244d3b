module aksara.dev/aksara

go 1.25
