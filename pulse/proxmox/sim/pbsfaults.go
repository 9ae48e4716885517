package sim

import "time"

// changeServer runs change on a backup server under its lock.
func (e *Estate) changeServer(name string, change func(*backupServer)) error {
	s, err := e.server(name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
	return nil
}

// PBSDown takes a backup server off the network: connections are refused.
func (e *Estate) PBSDown(server string) error {
	s, err := e.server(server)
	if err != nil {
		return err
	}
	s.place.refuse()
	return nil
}

// PBSUp brings a backup server back.
func (e *Estate) PBSUp(server string) error {
	s, err := e.server(server)
	if err != nil {
		return err
	}
	return e.reopen(s.place)
}

// PBSHang makes a backup server accept connections and never answer.
func (e *Estate) PBSHang(server string, hung bool) error {
	return e.changeServer(server, func(s *backupServer) { s.place.hang(hung) })
}

// PBSSlow delays every answer of a backup server by d.
func (e *Estate) PBSSlow(server string, d time.Duration) error {
	return e.changeServer(server, func(s *backupServer) { s.slow = d })
}

// PBSUnauthorized makes a backup server refuse every credential.
func (e *Estate) PBSUnauthorized(server string, refuse bool) error {
	return e.changeServer(server, func(s *backupServer) { s.unauthorized = refuse })
}

// ReplacePBSCertificate gives a backup server another self-signed certificate.
func (e *Estate) ReplacePBSCertificate(server string) error {
	s, err := e.server(server)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.certificates++
	cert, err := selfSigned(s.chance.named("certificate").of(s.certificates), s.name, "Proxmox Backup Server", s.place.ip, s.clk.now())
	s.mu.Unlock()
	if err != nil {
		return err
	}
	s.place.show(cert)
	return nil
}

// DatastoreMaintenance sets a datastore's maintenance mode, such as
// "type=offline,message=moving disks"; empty ends it.
func (e *Estate) DatastoreMaintenance(server, datastore, mode string) error {
	s, err := e.server(server)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, err := s.findDatastore(datastore)
	if err != nil {
		return err
	}
	d.maintenance = mode
	return nil
}
