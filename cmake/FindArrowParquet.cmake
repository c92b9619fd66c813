# Finds Arrow and Parquet for C++ and gives the target ArrowParquet::ArrowParquet.
#
# First an installation with CMake packages (Apache's own, vcpkg, Conan). Else the libraries inside a pyarrow wheel, which has headers but
# neither CMake packages nor unversioned library names; looked for in MILLRACE_PYARROW, the folder of the Python package, or else in the
# virtual environment build/python of the source tree (scripts/python_packages). ArrowParquet_FROM_WHEEL says which it was: the wheel's
# libparquet exports an OpenSSL of its own, so that nothing which also links the Kafka client may link it.
set(MILLRACE_PYARROW "" CACHE PATH "Folder of the pyarrow package whose Arrow libraries are used; empty: look for them")
set(ArrowParquet_FROM_WHEEL FALSE)
find_package(Parquet CONFIG QUIET)
if(Parquet_FOUND)
  set(ArrowParquet_VERSION ${Parquet_VERSION})
  set(ArrowParquet_INCLUDE_DIR "in its CMake package")
  if(NOT TARGET ArrowParquet::ArrowParquet)
    add_library(ArrowParquet::ArrowParquet INTERFACE IMPORTED GLOBAL)
    set_property(TARGET ArrowParquet::ArrowParquet PROPERTY INTERFACE_LINK_LIBRARIES Parquet::parquet_shared Arrow::arrow_shared)
  endif()
else()
  set(arrow_package "${MILLRACE_PYARROW}")
  if(NOT arrow_package)
    file(GLOB arrow_package ${PROJECT_SOURCE_DIR}/build/python/lib/python3*/site-packages/pyarrow)
  endif()
  if(arrow_package AND EXISTS ${arrow_package}/include/arrow/util/config.h)
    file(STRINGS ${arrow_package}/include/arrow/util/config.h arrow_config REGEX "define ARROW_VERSION_(MAJOR|MINOR|PATCH) ")
    foreach(part MAJOR MINOR PATCH)
      string(REGEX REPLACE ".*ARROW_VERSION_${part} ([0-9]+).*" "\\1" arrow_${part} "${arrow_config}")
    endforeach()
    set(ArrowParquet_VERSION ${arrow_MAJOR}.${arrow_MINOR}.${arrow_PATCH})
    math(EXPR arrow_so "${arrow_MAJOR} * 100 + ${arrow_MINOR}")
    if(EXISTS ${arrow_package}/libarrow.so.${arrow_so} AND EXISTS ${arrow_package}/libparquet.so.${arrow_so})
      set(ArrowParquet_INCLUDE_DIR ${arrow_package}/include)
      set(ArrowParquet_FROM_WHEEL TRUE)
    endif()
  endif()
  if(ArrowParquet_FROM_WHEEL AND NOT TARGET ArrowParquet::ArrowParquet)
    add_library(ArrowParquet::ArrowParquet INTERFACE IMPORTED GLOBAL)
    foreach(library arrow parquet)
      add_library(ArrowParquet::${library} SHARED IMPORTED GLOBAL)
      # Imported targets give their headers as those of the system: gcc 12 warns falsely (-Wrestrict) in Arrow's.
      set_target_properties(ArrowParquet::${library} PROPERTIES
        IMPORTED_LOCATION ${arrow_package}/lib${library}.so.${arrow_so}
        INTERFACE_INCLUDE_DIRECTORIES ${ArrowParquet_INCLUDE_DIR}
        INTERFACE_COMPILE_FEATURES cxx_std_20)
    endforeach()
    set_property(TARGET ArrowParquet::ArrowParquet PROPERTY INTERFACE_LINK_LIBRARIES ArrowParquet::parquet ArrowParquet::arrow)
  endif()
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(ArrowParquet REQUIRED_VARS ArrowParquet_INCLUDE_DIR VERSION_VAR ArrowParquet_VERSION)
