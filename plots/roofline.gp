# Cells: operations a byte, operations a second, the same at the cell's own limit, colour, shape, ...
unset key
set logscale xy
set xrange [x_low:x_high]
set yrange [y_low:y_high]
set format x '%g'
set format y '%.0s%c'
set xlabel x_label textcolor rgb ink
set ylabel 'performance (operations per second)' textcolor rgb ink
plot data using 1:2:2:3 with yerrorbars pt 0 lw 1 lc rgb '#999999', \
     data using 1:2:5:4 with points pointtype variable lc rgb variable ps 1.1
unset output
