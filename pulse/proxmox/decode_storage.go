package proxmox

func decodeStorages(s *scanner) []StorageConfig {
	var out []StorageConfig
	s.array()
	for s.nextRow() {
		out = append(out, decodeStorage(s))
	}
	return out
}

func decodeStorage(s *scanner) StorageConfig {
	var c StorageConfig
	for name, ok := s.field(); ok; name, ok = s.field() {
		switch string(name) {
		case "storage":
			c.Name = s.text()
		case "type":
			c.Plugin = s.text()
		case "content":
			c.Content = s.sortedParts()
		case "shared":
			c.Shared = s.flag()
		case "disable":
			c.Disabled = s.flag().Value
		case "nodes":
			c.Nodes = s.sortedParts()
		default:
			c.readPlace(name, s)
		}
	}
	return c
}

func (c *StorageConfig) readPlace(name []byte, s *scanner) {
	switch string(name) {
	case "server":
		c.Server = s.text()
	case "export":
		c.Export = s.text()
	case "datastore":
		c.Datastore = s.text()
	case "namespace":
		c.Namespace = s.text()
	case "username":
		c.Username = s.text()
	case "fingerprint":
		c.Fingerprint = s.fingerprint()
	case "path":
		c.Path = s.text()
	case "pool":
		c.Pool = s.text()
	case "vgname":
		c.VolumeGroup = s.text()
	case "thinpool":
		c.ThinPool = s.text()
	default:
		s.skip()
	}
}

func decodeCertificates(s *scanner) []Certificate {
	var out []Certificate
	s.array()
	for s.nextRow() {
		var c Certificate
		for name, ok := s.field(); ok; name, ok = s.field() {
			switch string(name) {
			case "filename":
				c.Filename = s.text()
			case "subject":
				c.Subject = s.text()
			case "issuer":
				c.Issuer = s.text()
			case "fingerprint":
				c.Fingerprint = s.fingerprint()
			case "notbefore":
				c.NotBefore = s.instant()
			case "notafter":
				c.NotAfter = s.instant()
			case "san":
				c.Names = s.list()
			case "pem":
				c.PEM = s.text()
			default:
				s.skip()
			}
		}
		out = append(out, c)
	}
	return out
}
