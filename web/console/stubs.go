package console

import "fairnotice/web"

// Groups of routes whose pages are not here yet.

func (s *Site) homeRoutes(*web.Routes) {}

func (s *Site) changeRoutes(*web.Routes) {}

func (s *Site) deliveryRoutes(*web.Routes) {}
