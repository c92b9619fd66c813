#include "millrace/runtime/main.h"

// For those who land topics and have no topology: docs/warehouse.md.
int main(int argc, char** argv) { return millrace::Application("millrace").Run(argc, argv); }
