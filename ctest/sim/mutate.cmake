# Copies IN to OUT with FROM, the one place where it stands, replaced by TO. When it does not stand
# there the copy is plain: the simulation then finds nothing, and the mutant's test says so.
file(READ ${IN} text)
string(FIND "${text}" "${FROM}" first)
string(FIND "${text}" "${FROM}" last REVERSE)
if(first EQUAL -1 OR NOT first EQUAL last)
  message(WARNING "${IN} does not hold once: ${FROM}")
else()
  string(REPLACE "${FROM}" "${TO}" text "${text}")
endif()
file(WRITE ${OUT} "${text}")
