package console

import (
	"github.com/gin-gonic/gin"

	"fairnotice/web"
)

func (s *Site) signInRoutes(*web.Routes)    {}
func (s *Site) signedIn(*gin.Context) error { return nil }
func (s *Site) registerRoutes(*web.Routes)  {}
func (s *Site) customerRoutes(*web.Routes)  {}
func (s *Site) staffRoutes(*web.Routes)     {}
