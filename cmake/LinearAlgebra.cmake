# Assay::blas and Assay::gsl; also read by the installed package.
find_package(PkgConfig REQUIRED)

# GSL without its own CBLAS: libgslcblas would answer cblas_* several times slower than OpenBLAS.
pkg_check_modules(gsl_all REQUIRED gsl)
find_library(GSL_LIBRARY gsl REQUIRED HINTS ${gsl_all_LIBRARY_DIRS})
add_library(Assay::gsl INTERFACE IMPORTED)
target_link_libraries(Assay::gsl INTERFACE ${GSL_LIBRARY})
target_include_directories(Assay::gsl SYSTEM INTERFACE ${gsl_all_INCLUDE_DIRS})

pkg_check_modules(openblas REQUIRED openblas)
find_library(OPENBLAS_LIBRARY openblas REQUIRED HINTS ${openblas_LIBRARY_DIRS})
find_library(LAPACKE_LIBRARY lapacke REQUIRED)
find_path(LAPACKE_INCLUDE lapacke.h REQUIRED)
add_library(Assay::blas INTERFACE IMPORTED)
target_link_libraries(Assay::blas INTERFACE ${OPENBLAS_LIBRARY} ${LAPACKE_LIBRARY})
target_include_directories(Assay::blas SYSTEM INTERFACE ${openblas_INCLUDE_DIRS} ${LAPACKE_INCLUDE})
