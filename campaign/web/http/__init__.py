"""HTTP: headers, hosts, proxies, languages, errors."""
