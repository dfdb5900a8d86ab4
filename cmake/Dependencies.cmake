# Every third-party library, each behind one target.  The launcher `assay` knows the packages.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
find_package(OpenMP REQUIRED COMPONENTS C)

function(assay_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
  add_library(Assay::${name} ALIAS PkgConfig::${name})
endfunction()

find_package(benchmark REQUIRED)
add_library(Assay::benchmark ALIAS benchmark::benchmark)
assay_pkg(cjson libcjson)
assay_pkg(hwloc hwloc)

include(LinearAlgebra)

# PAPI may be absent: the counters then come from perf_event_open alone.
option(ASSAY_PAPI "Count with PAPI where it is installed" ON)
if(ASSAY_PAPI)
  pkg_check_modules(papi QUIET IMPORTED_TARGET papi)
endif()
add_library(assay_papi INTERFACE)
if(ASSAY_PAPI AND papi_FOUND)
  target_link_libraries(assay_papi INTERFACE PkgConfig::papi)
  target_compile_definitions(assay_papi INTERFACE ASSAY_HAVE_PAPI=1)
else()
  target_compile_definitions(assay_papi INTERFACE ASSAY_HAVE_PAPI=0)
endif()
add_library(Assay::papi ALIAS assay_papi)

# oneDNN may be absent: its cells are then skipped.  Its own package file would ask for OpenCL.
find_library(DNNL_LIBRARY dnnl)
find_path(DNNL_INCLUDE oneapi/dnnl/dnnl_version.h)
add_library(assay_onednn INTERFACE)
set(onednn_VERSION "")
if(DNNL_LIBRARY AND DNNL_INCLUDE)
  file(STRINGS ${DNNL_INCLUDE}/oneapi/dnnl/dnnl_version.h lines REGEX "VERSION_(MAJOR|MINOR|PATCH) ")
  string(REGEX REPLACE "[^0-9;]" "" onednn_VERSION "${lines}")
  string(REPLACE ";" "." onednn_VERSION "${onednn_VERSION}")
endif()
if(onednn_VERSION MATCHES "^2\\.") # version 3 has another interface
  target_link_libraries(assay_onednn INTERFACE ${DNNL_LIBRARY})
  target_include_directories(assay_onednn SYSTEM INTERFACE ${DNNL_INCLUDE})
  target_compile_definitions(assay_onednn INTERFACE ASSAY_HAVE_ONEDNN=1)
else()
  target_compile_definitions(assay_onednn INTERFACE ASSAY_HAVE_ONEDNN=0)
endif()
add_library(Assay::onednn ALIAS assay_onednn)

# What a record says of them.
set(ASSAY_LIBRARIES benchmark=${benchmark_VERSION} cjson=${cjson_VERSION} gsl=${gsl_all_VERSION}
                    hwloc=${hwloc_VERSION} openblas=${openblas_VERSION})
if(ASSAY_PAPI AND papi_FOUND)
  list(APPEND ASSAY_LIBRARIES papi=${papi_VERSION})
endif()
if(onednn_VERSION)
  list(APPEND ASSAY_LIBRARIES onednn=${onednn_VERSION})
endif()
