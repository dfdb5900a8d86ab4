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

# GSL without its own CBLAS: libgslcblas would answer cblas_* several times slower than OpenBLAS.
pkg_check_modules(gsl_all REQUIRED gsl)
find_library(GSL_LIBRARY gsl REQUIRED HINTS ${gsl_all_LIBRARY_DIRS})
add_library(assay_gsl INTERFACE)
target_link_libraries(assay_gsl INTERFACE ${GSL_LIBRARY})
target_include_directories(assay_gsl SYSTEM INTERFACE ${gsl_all_INCLUDE_DIRS})
add_library(Assay::gsl ALIAS assay_gsl)

pkg_check_modules(openblas REQUIRED openblas)
find_library(OPENBLAS_LIBRARY openblas REQUIRED HINTS ${openblas_LIBRARY_DIRS})
find_library(LAPACKE_LIBRARY lapacke REQUIRED)
find_path(LAPACKE_INCLUDE lapacke.h REQUIRED)
add_library(assay_blas INTERFACE)
target_link_libraries(assay_blas INTERFACE ${OPENBLAS_LIBRARY} ${LAPACKE_LIBRARY})
target_include_directories(assay_blas SYSTEM INTERFACE ${openblas_INCLUDE_DIRS} ${LAPACKE_INCLUDE})
add_library(Assay::blas ALIAS assay_blas)

# PAPI may be absent: the counters then come from perf_event_open alone.
pkg_check_modules(papi QUIET IMPORTED_TARGET papi)
add_library(assay_papi INTERFACE)
if(papi_FOUND)
  target_link_libraries(assay_papi INTERFACE PkgConfig::papi)
  target_compile_definitions(assay_papi INTERFACE ASSAY_HAVE_PAPI=1)
else()
  target_compile_definitions(assay_papi INTERFACE ASSAY_HAVE_PAPI=0)
endif()
add_library(Assay::papi ALIAS assay_papi)

# What a record says of them.
set(ASSAY_LIBRARIES benchmark=${benchmark_VERSION} cjson=${cjson_VERSION} gsl=${gsl_all_VERSION}
                    hwloc=${hwloc_VERSION} openblas=${openblas_VERSION})
if(papi_FOUND)
  list(APPEND ASSAY_LIBRARIES papi=${papi_VERSION})
endif()
