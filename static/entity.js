// The entity's page: what is new, rows that unfold at once, the place that Back comes back to.
"use strict";
