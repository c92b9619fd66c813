#include "program.h"

int main(int argc, char** argv) { return millrace::tshirt::RunProgram(argc, argv); }
