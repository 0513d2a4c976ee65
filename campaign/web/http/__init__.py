"""The parts of HTTP that every page shares: headers, hosts, proxies, languages, errors."""
