set(ASSAY_WARNINGS -Wall -Wextra -Wshadow -Wundef -Wvla -Wwrite-strings -Wformat=2
    $<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
    $<$<COMPILE_LANGUAGE:C>:-Wold-style-definition>)
if(ASSAY_WERROR)
  list(APPEND ASSAY_WARNINGS -Werror)
endif()
# What a record says of how the program was built.
string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
string(STRIP "${CMAKE_C_FLAGS} ${CMAKE_C_FLAGS_${type}} -ffp-contract=off" ASSAY_FLAGS_TEXT)
