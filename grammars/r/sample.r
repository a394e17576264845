library(dplyr) # marks: import dplyr
require("stats") # marks: import stats
source("alpha.R") # marks: import alpha.R
limit <- 3 # marks: definition.variable limit
helper <- function(x, y = 1) { # marks: definition.function helper
  local <- x
  paste(local, y) # marks: reference.call paste
}
plain = function(x) helper(x) # marks: definition.function plain; reference.call helper
dplyr::filter(x) # marks: reference.call filter
setClass("Stack", representation(items = "list")) # marks: definition.class Stack
setGeneric("push", function(s) standardGeneric("push")) # marks: definition.function push
test_that("it pushes", { # marks: test it pushes
  helper(1) # marks: reference.call helper
})
