# The files of the page as C: cmake -DOUT=FILE.c "-DFILES=A;B" -P embed.cmake
# See page_files.h.
set(bodies "")
set(table "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME)
  string(MAKE_C_IDENTIFIER ${name} symbol)
  file(READ ${file} hex HEX)
  string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
  string(APPEND bodies "static const unsigned char ${symbol}[] = {${bytes}};\n")
  string(APPEND table "    {\"${name}\", ${symbol}, sizeof ${symbol}},\n")
endforeach()
file(WRITE ${OUT} "#include \"master/page_files.h\"\n\n${bodies}\n"
  "const struct page_file PAGE_FILES[] = {\n${table}    {0},\n};\n")
