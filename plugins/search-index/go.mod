module aksara.dev/plugins/search-index

go 1.25

require aksara.dev/aksara v0.0.0

replace aksara.dev/aksara => ../../guest-sdk/go
